/** The studio's two doors for editors, and the servers it is measured against, as the scenarios see them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StudioClient } from '../../clients/node/src/index.ts';
import { freePort } from '../../src/local/ports.ts';
import { startHelper, type Helper } from '../processes.ts';
import type { Rig } from '../rig.ts';
import { HOCUSPOCUS, Y_WEBSOCKET, type Dialect } from '../wire/dialect.ts';
import type { EditorPlace } from '../wire/light-editor.ts';

export type ContestantName =
  | 'studio /sync'
  | 'studio /hocuspocus'
  | 'y-websocket'
  | 'y-mongodb-provider'
  | 'Hocuspocus'
  | 'bare, durable'
  | 'bare, durable and told';

export interface Contestant {
  readonly name: ContestantName;
  /** Of the server that runs now. */
  readonly pid: number;
  /** A new document of this user's. */
  newPlace(userId?: string): Promise<EditorPlace>;
  /** SIGKILL, with the database where that is the studio's; then the same again on what it had stored. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

const PEERS: Readonly<Record<string, { readonly module: string; readonly dialect: Dialect }>> = {
  'y-websocket': { module: 'peer-servers/y-websocket.mjs', dialect: Y_WEBSOCKET },
  'y-mongodb-provider': { module: 'peer-servers/y-websocket.mjs', dialect: Y_WEBSOCKET },
  Hocuspocus: { module: 'peer-servers/hocuspocus.mjs', dialect: HOCUSPOCUS },
  /** What nobody can beat who stores before showing. */
  'bare, durable': { module: 'bare-yjs.ts', dialect: Y_WEBSOCKET },
  /** And tells of it in a stream, as has been promised of every delta. */
  'bare, durable and told': { module: 'bare-yjs.ts', dialect: Y_WEBSOCKET },
};

/** The studio is the rig's; a peer is started, on the rig's database where it uses one. */
export async function startContestant(name: ContestantName, rig: Rig): Promise<Contestant> {
  const peer = PEERS[name];
  if (!peer) return studio(name, rig);
  const folder = await mkdtemp(join(tmpdir(), 'studio-bench-peer-'));
  const port = await freePort();
  const env: NodeJS.ProcessEnv = { PEER_PORT: String(port), PEER_FILE: join(folder, 'documents.sqlite') };
  if (name === 'y-mongodb-provider') env['PEER_MONGODB_URL'] = rig.part('mongodb').url;
  if (name.startsWith('bare')) env['BARE_MONGODB_URL'] = rig.part('mongodb').url;
  if (name === 'bare, durable and told') env['BARE_NATS_URL'] = rig.part('nats').url;
  const start = (): Promise<Helper<unknown>> => startHelper(peer.module, { env });
  let server = await start();
  let rooms = 0;
  return {
    name,
    get pid() {
      return server.pid;
    },
    newPlace: () => {
      rooms += 1;
      const room = `bench-${process.pid}-${rooms}`;
      return Promise.resolve({ dialect: peer.dialect, base: `ws://127.0.0.1:${port}`, room, token: 'none' });
    },
    crash: async () => {
      await server.kill();
      server = await start();
    },
    stop: async () => {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function studio(name: ContestantName, rig: Rig): Contestant {
  const isSync = name === 'studio /sync';
  const base = rig.address.replace(/^http/, 'ws') + (isSync ? '/sync' : '/hocuspocus');
  const clients = new Map<string, Promise<StudioClient>>();
  const clientOf = (userId: string): Promise<StudioClient> => {
    const known = clients.get(userId) ?? rig.connect(userId);
    clients.set(userId, known);
    return known;
  };
  return {
    name,
    get pid() {
      return rig.servePid;
    },
    newPlace: async (userId = 'bench') => {
      const { blobs } = await clientOf(userId);
      const { blob } = await blobs.createBlob({ contentType: 'text/plain' });
      if (!blob) throw new Error('CreateBlob answered without a blob.');
      return { dialect: isSync ? Y_WEBSOCKET : HOCUSPOCUS, base, room: blob.id, token: await rig.token(userId) };
    },
    crash: () => rig.crash(),
    stop: () => Promise.resolve(),
  };
}
