/** Editors with the stock Hocuspocus provider. */
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import { eventually } from '../harness/eventually.ts';

/** A browser's socket that is closed while it connects throws nothing; that of ws does, when nobody listens. */
class BrowserLikeSocket extends WebSocket {
  constructor(url: string) {
    super(url);
    this.on('error', () => {});
  }
}

export interface RichEditor {
  readonly doc: Y.Doc;
  readonly text: Y.Text;
  readonly provider: HocuspocusProvider;
  readonly stateless: string[];
  /** Reasons of `authenticationFailed`. */
  readonly denied: string[];
  /** Reasons of the closing of this document. */
  readonly ended: string[];
  /** Every number of unsynced changes it ever had. */
  readonly unsynced: number[];
}

export interface OpenOptions {
  readonly token?: string | (() => string) | (() => Promise<string>);
  readonly doc?: Y.Doc;
  readonly sessionAwareness?: boolean;
}

/** Everything opened through it is closed by `close()`. */
export class HocuspocusWorld {
  readonly #sockets: HocuspocusProviderWebsocket[] = [];
  readonly #editors: RichEditor[] = [];

  /** `address`: `ws://host:port`. */
  socket(address: string, query = ''): HocuspocusProviderWebsocket {
    const socket = new HocuspocusProviderWebsocket({
      url: `${address}/hocuspocus${query}`,
      WebSocketPolyfill: BrowserLikeSocket,
      delay: 200,
      minDelay: 100,
      maxDelay: 1_000,
    });
    this.#sockets.push(socket);
    return socket;
  }

  open(socket: HocuspocusProviderWebsocket, name: string, options: OpenOptions = {}): RichEditor {
    const doc = options.doc ?? new Y.Doc();
    const [stateless, denied, ended, unsynced]: [string[], string[], string[], number[]] = [[], [], [], []];
    const provider = new HocuspocusProvider({
      name,
      document: doc,
      websocketProvider: socket,
      token: options.token ?? null,
      sessionAwareness: options.sessionAwareness ?? false,
      onStateless: ({ payload }) => void stateless.push(payload),
      onAuthenticationFailed: ({ reason }) => void denied.push(reason),
      onClose: ({ event }) => void ended.push(event.reason),
      onUnsyncedChanges: ({ number }) => void unsynced.push(number),
    });
    provider.attach();
    const editor = { doc, text: doc.getText('content'), provider, stateless, denied, ended, unsynced };
    this.#editors.push(editor);
    return editor;
  }

  async openSynced(socket: HocuspocusProviderWebsocket, name: string, options: OpenOptions = {}): Promise<RichEditor> {
    const editor = this.open(socket, name, options);
    await this.settled(editor);
    return editor;
  }

  /** A provider that is told to connect while its socket still closes forgets it, so it is told again. */
  async goOnline(socket: HocuspocusProviderWebsocket): Promise<void> {
    await eventually('it wants to be connected', () => {
      if (!socket.shouldConnect) void socket.connect();
      return socket.shouldConnect;
    });
  }

  /** Synchronized, and all its edits are durable. */
  async settled(...editors: readonly RichEditor[]): Promise<void> {
    for (const { provider } of editors) {
      await eventually('it is synced and has nothing unsynced', () => provider.synced && !provider.hasUnsyncedChanges);
    }
  }

  close(): void {
    for (const { provider, doc } of this.#editors) {
      provider.destroy();
      doc.destroy();
    }
    for (const socket of this.#sockets) socket.destroy();
  }
}
