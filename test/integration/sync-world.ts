/** Editors as browsers have them: the stock y-websocket provider, and bare sockets for what it would never send. */
import { setMaxListeners } from 'node:events';
import * as decoding from 'lib0/decoding';
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { createStudioClient, type StudioClient } from '../../clients/node/src/index.ts';
import { SAVED, type SavedNotice } from '../../src/transport/sync/messages.ts';
import { eventually } from '../harness/eventually.ts';
import type { TestStudio } from '../harness/studio.ts';

export interface Editor {
  readonly doc: Y.Doc;
  readonly text: Y.Text;
  readonly provider: WebsocketProvider;
  /** Set when the provider gave up for good. */
  readonly closed: () => Closed | undefined;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface BareSocket {
  readonly socket: WebSocket;
  readonly messages: readonly Uint8Array[];
  readonly closed: Promise<Closed>;
}

/** Everything opened through it is closed by `close()`. */
export class SyncWorld {
  readonly #editors: Editor[] = [];
  readonly #clients: StudioClient[] = [];
  readonly #sockets: WebSocket[] = [];

  constructor() {
    // Each provider waits for the end of the process.
    setMaxListeners(200, process);
  }

  openEditor(
    studio: Pick<TestStudio, 'socketAddress'>,
    blobId: string,
    token: string | undefined,
    doc = new Y.Doc(),
    params: Record<string, string> = {},
    { disableBc = true } = {},
  ): Editor {
    const provider = new WebsocketProvider(`${studio.socketAddress}/sync`, blobId, doc, {
      params: token === undefined ? params : { token, ...params },
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc,
    });
    let closed: Closed | undefined;
    provider.on('closed', (event: Closed) => (closed = event));
    const editor = { doc, text: doc.getText('content'), provider, closed: () => closed };
    this.#editors.push(editor);
    return editor;
  }

  async openSynced(
    studio: Pick<TestStudio, 'socketAddress'>,
    blobId: string,
    token: string,
    doc?: Y.Doc,
    params?: Record<string, string>,
  ): Promise<Editor> {
    const editor = this.openEditor(studio, blobId, token, doc, params);
    await eventually('the editor is synced', () => editor.provider.synced);
    return editor;
  }

  /** gRPC, as this user. */
  async client(studio: TestStudio, userId: string): Promise<StudioClient> {
    const client = createStudioClient({ address: `127.0.0.1:${studio.grpcPort}`, token: await studio.token(userId) });
    this.#clients.push(client);
    return client;
  }

  /** A socket without a provider; `messages` fills up from the first one on. */
  async openSocket(
    studio: Pick<TestStudio, 'socketAddress'>,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<BareSocket> {
    const socket = new WebSocket(`${studio.socketAddress}${path}`, { headers });
    const messages: Uint8Array[] = [];
    socket.on('message', (data: Buffer) => void messages.push(Uint8Array.from(data)));
    const closed = new Promise<Closed>((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.#sockets.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return { socket, messages, closed };
  }

  close(): void {
    for (const { provider, doc } of this.#editors) {
      provider.awareness.destroy();
      provider.destroy();
      doc.destroy();
    }
    for (const socket of this.#sockets) socket.terminate();
    for (const client of this.#clients) client.close();
  }
}

/** What a socket opened with `?versions=1` was told of its edits. */
export function savedNotices(messages: readonly Uint8Array[]): SavedNotice[] {
  return messages
    .filter(([type]) => type === SAVED)
    .map((message) => {
      const decoder = decoding.createDecoder(message);
      decoding.readVarUint(decoder);
      return JSON.parse(decoding.readVarString(decoder)) as SavedNotice;
    });
}

export async function createText(client: StudioClient, content: string): Promise<string> {
  const { blob } = await client.blobs.createBlob({ content: Buffer.from(content), contentType: 'text/plain' });
  if (!blob) throw new Error('createBlob answered without a blob');
  return blob.id;
}

export async function readText(client: StudioClient, id: string): Promise<string> {
  const { blob } = await client.blobs.getBlob({ id });
  return Buffer.from(blob?.content ?? []).toString();
}
