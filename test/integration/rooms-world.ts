/** The live documents of a process, on real parts, put together as engine.ts does and with their loads counted. */
import pino from 'pino';
import { AccessKeeper } from '../../src/access/keeper.ts';
import { BaseDocuments } from '../../src/documents/history/base-documents.ts';
import { Committer } from '../../src/documents/commits/committer.ts';
import { HeadWriter } from '../../src/documents/commits/head-writer.ts';
import { assembleHistory, type HistoryLimits, type HistoryParts } from '../../src/documents/history/history-parts.ts';
import { Intent } from '../../src/documents/commits/intent.ts';
import { Rooms } from '../../src/documents/rooms/rooms.ts';
import { NatsAccessHints } from '../../src/events/access-hints.ts';
import { EventConnection } from '../../src/events/connection.ts';
import { NatsLiveChannel } from '../../src/events/live.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { AccessEpochStore } from '../../src/storage/access-epochs.ts';
import { AccessStore } from '../../src/storage/access.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { Contents } from '../../src/storage/contents.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import type { TestParts } from '../harness/parts.ts';
import { trialsFromSource } from '../unit/documents/trial-threads.ts';

export interface RoomsWorld {
  readonly rooms: Rooms;
  readonly bases: BaseDocuments;
  readonly database: Database;
  readonly archive: HistoryParts;
  readonly contents: Contents;
  readonly log: CommitLog;
  loadsOf(blobId: string): number;
  /** False: it neither hears nor is heard. */
  readonly isConnected: boolean;
  createText(blobId: string, text: string, owner?: string): Promise<void>;
  readText(blobId: string): Promise<string>;
  close(): Promise<void>;
}

/** An edit that puts the text before all there is, or was. `line`: what it keeps its order with. */
export function insertion(text: string, line?: object, fromVersion?: number): Intent {
  const edits = [{ offset: 0, deleteCount: 0, insert: text }];
  return new Intent({
    userId: 'ada',
    work: { kind: 'patch', patch: { kind: 'text_edits', encoding: 'utf16', edits }, fromVersion },
    bytes: 0,
    line,
  });
}

let processes = 0;

export async function openRooms(
  parts: Pick<TestParts, 'url'>,
  options: {
    readonly memoryBytesMax: number;
    readonly database?: string;
    readonly perUserMax?: number;
    readonly mongodbUrl?: string;
    readonly natsUrl?: string;
    readonly limits?: HistoryLimits;
    readonly failpoints?: Failpoints;
  },
): Promise<RoomsWorld> {
  const logger = pino({ level: 'silent' });
  const name = `rooms-${++processes}`;
  const database = await openDatabase({
    url: options.mongodbUrl ?? parts.url('mongodb'),
    name: options.database ?? 'rooms',
  });
  const connection = await EventConnection.open({ url: options.natsUrl ?? parts.url('nats'), name, logger });
  const log = new CommitLog(database);
  const contents = new Contents(database);
  const failpoints = options.failpoints ?? new Failpoints('');
  const committer = new Committer({ id: name, log, database, listeners: [], failpoints, logger });
  const archive = await assembleHistory({ database, log, failpoints, logger, limits: options.limits });
  const { history } = archive;
  const loads = new Map<string, number>();
  const load = history.load.bind(history);
  history.load = (blobId) => {
    loads.set(blobId, (loads.get(blobId) ?? 0) + 1);
    return load(blobId);
  };
  const stored = new BlobHeads(database);
  const heads = new HeadWriter({ heads: stored, failpoints, logger });
  const bases = new BaseDocuments(history);
  const trials = trialsFromSource();
  const access = new AccessKeeper({
    store: new AccessStore(database),
    epochs: new AccessEpochStore(database.db),
    hints: new NatsAccessHints(connection),
    logger,
  });
  const keep = archive.compaction.keep.bind(archive.compaction);
  const services = { database, access, log, contents, committer, heads, history, keep, bases, trials, logger };
  const rooms = new Rooms(services, new NatsLiveChannel(connection, name, logger), { stored, ...options });
  await access.start();
  return {
    rooms,
    bases,
    database,
    archive,
    contents,
    log,
    get isConnected() {
      return connection.healthy;
    },
    loadsOf: (blobId) => loads.get(blobId) ?? 0,
    createText: async (blobId, text, owner = 'ada') => {
      const content = Buffer.from(text);
      const genesis = {
        contentType: 'text/plain',
        parentIds: [],
        rootId: blobId,
        depth: 0,
        createdBy: 'user',
        labels: {},
      };
      const intent = new Intent({
        userId: owner,
        work: { kind: 'create', genesis, content },
        bytes: content.byteLength,
      });
      await rooms.with(blobId, (room) => room.submit(intent));
    },
    readText: (blobId) => rooms.with(blobId, (room) => Promise.resolve(room.state.doc.getText('content').toJSON())),
    close: async () => {
      await rooms.settle();
      committer.stop();
      rooms.close();
      await archive.close();
      access.close();
      trials.close();
      await heads.close();
      await connection.close();
      await database.close();
    },
  };
}
