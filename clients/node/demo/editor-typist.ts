/**
 * The second author: types in an editor behind a stock y-websocket provider. The provider keeps its document up to date
 * at once; the author types in another one, which is given the other's edits only when the trace says they were seen.
 */
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { EDITOR_CLIENT_ID, textOf, type, type Keystroke } from './trace.ts';

const SYNC_MS_MAX = 30_000;
const ACKNOWLEDGED_MS_MAX = 60_000;

export interface EditorAddress {
  /** `http://host:port` */
  readonly address: string;
  readonly token: string;
  readonly blobId: string;
}

export class EditorTypist {
  /** By keystroke: the version it made. */
  readonly versions: number[] = [];
  readonly acknowledgedMs: number[] = [];
  readonly #wire = new Y.Doc();
  readonly #typing = new Y.Doc();
  readonly #provider: WebsocketProvider;
  /** The other author's edits as they came, one update each: that author waits until the last one is here. */
  readonly #inbound: Uint8Array[] = [];
  #seen = 0;
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  #acknowledge: ((version: number) => void) | undefined;

  private constructor(editor: EditorAddress, onFailure: (error: Error) => void) {
    this.#typing.clientID = EDITOR_CLIENT_ID;
    this.#typing.on('update', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (transaction.local) Y.applyUpdate(this.#wire, update, 'typed');
    });
    this.#provider = connectEditor(editor, this.#wire);
    this.#provider.on('connection-close', (event) => {
      if (this.#provider.shouldConnect) onFailure(new Error(`The editor lost its connection: ${reasonOf(event)}.`));
    });
  }

  static async open(editor: EditorAddress, onFailure: (error: Error) => void): Promise<EditorTypist> {
    const typist = new EditorTypist(editor, onFailure);
    await synced(typist.#provider);
    typist.#wire.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === typist.#provider) typist.#take(update);
    });
    return typist;
  }

  /** Resolves when the provider has received this many of the other author's edits. */
  arrived(count: number): Promise<void> {
    if (this.#inbound.length >= count) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push({ count, resolve }));
  }

  /** Resolves when the edit is durable and its version known: a version inside a coalesced delta could not be named. */
  async type(keystroke: Keystroke): Promise<void> {
    for (; this.#seen < keystroke.known; this.#seen += 1) {
      const update = this.#inbound[this.#seen];
      if (!update) throw new Error('An edit that the trace knows of has not arrived.');
      Y.applyUpdate(this.#typing, update, 'seen');
    }
    const started = performance.now();
    const acknowledged = this.#nextVersion();
    type(this.#typing, keystroke.patches);
    this.versions.push(await acknowledged);
    this.acknowledgedMs.push(performance.now() - started);
  }

  /** A version that the editor's author made was announced; told again, it counts once. */
  announced(version: number): void {
    if (version > (this.versions.at(-1) ?? 0)) this.#acknowledge?.(version);
  }

  /** What the provider's document reads. */
  get text(): string {
    return textOf(this.#wire).toJSON();
  }

  close(): void {
    this.#provider.destroy();
    this.#wire.destroy();
    this.#typing.destroy();
  }

  #take(update: Uint8Array): void {
    this.#inbound.push(update);
    const ready = this.#waiting.filter(({ count }) => count <= this.#inbound.length);
    for (const waiter of ready) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
  }

  #nextVersion(): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`No event told the version of an editor's edit within ${ACKNOWLEDGED_MS_MAX} ms.`)),
        ACKNOWLEDGED_MS_MAX,
      );
      this.#acknowledge = (version) => {
        clearTimeout(late);
        this.#acknowledge = undefined;
        resolve(version);
      };
    });
  }
}

/** What a newcomer's editor shows. */
export async function readThroughEditor(editor: EditorAddress): Promise<string> {
  const doc = new Y.Doc();
  const provider = connectEditor(editor, doc);
  try {
    await synced(provider);
    return textOf(doc).toJSON();
  } finally {
    provider.destroy();
    doc.destroy();
  }
}

function connectEditor({ address, token, blobId }: EditorAddress, doc: Y.Doc): WebsocketProvider {
  return new WebsocketProvider(`${address.replace(/^http/, 'ws')}/sync`, blobId, doc, {
    params: { token },
    // Its type is the browser's; the provider uses what both have.
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
  });
}

function synced(provider: WebsocketProvider): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      provider.destroy();
      reject(new Error(`The editor was not synced within ${SYNC_MS_MAX} ms.`));
    }, SYNC_MS_MAX);
    provider.on('sync', (isSynced) => {
      if (!isSynced) return;
      clearTimeout(late);
      resolve();
    });
    provider.on('closed', ({ code, reason }) => {
      clearTimeout(late);
      reject(new Error(`The editor was refused: ${code} ${reason}`));
    });
  });
}

/** Absent when the provider itself gave up on a silent connection. */
function reasonOf(event: { readonly code: number; readonly reason: string } | null): string {
  return event ? `${event.code} ${event.reason}`.trim() : 'it heard nothing any more';
}
