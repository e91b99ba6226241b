/** Stock y-websocket clients in the documents of a campaign: they type, delete, go offline, and are cut off. */
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../harness/random.ts';
import type { CampaignBlob } from './blobs.ts';
import type { Ledger } from './ledger.ts';
import type { World } from './world.ts';

const PAUSE_MS_MAX = 150;
const OFFLINE_MS_MAX = 1_500;
const RECONNECT_MS_MAX = 1_000;

export class Editor {
  readonly blob: CampaignBlob;
  readonly doc = new Y.Doc();
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #provider: WebsocketProvider;
  readonly #inserted: string[] = [];
  readonly #deleted: string[] = [];
  #stopping = false;
  #gone = false;
  #closed: string | undefined;

  constructor(options: {
    readonly world: World;
    readonly place: number;
    readonly blob: CampaignBlob;
    readonly ledger: Ledger;
    readonly random: Random;
  }) {
    const { world, blob, ledger } = options;
    this.blob = blob;
    this.#random = options.random;
    this.#ledger = ledger;
    this.#provider = new WebsocketProvider(`${world.place(options.place).socketAddress}/sync`, blob.id, this.doc, {
      params: { token: world.token },
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
      maxBackoffTime: RECONNECT_MS_MAX,
    });
    this.#provider.on('closed', ({ code, reason }: { code: number; reason: string }) => {
      this.#closed = `${code} ${reason}`;
    });
    if (blob.kind === 'text') this.#noteWhatIsShown();
  }

  /** Types until told to stop. Nothing before the first sync: an object must be there to set keys of. */
  async run(): Promise<void> {
    while (!this.#stopping && !this.#provider.synced) await sleep(20);
    while (!this.#stopping) {
      if (this.#random.chance(0.02)) await this.#goOffline();
      this.#edit();
      await sleep(this.#random.int(5, PAUSE_MS_MAX));
    }
    if (!this.#gone) this.#provider.connect();
  }

  async #goOffline(): Promise<void> {
    this.#ledger.count('editors gone offline');
    this.#provider.disconnect();
    const until = Date.now() + this.#random.int(100, OFFLINE_MS_MAX);
    while (Date.now() < until && !this.#stopping) {
      this.#edit();
      await sleep(this.#random.int(5, PAUSE_MS_MAX));
    }
    if (!this.#gone) this.#provider.connect();
  }

  #edit(): void {
    this.#ledger.count('edits by editors');
    const token = this.blob.tokens.next();
    if (this.blob.kind === 'json') {
      const root = this.doc.getMap('content').get('root');
      if (!(root instanceof Y.Map)) return;
      root.set(token, this.#random.int(0, 100));
    } else {
      const text = this.doc.getText('content');
      if (text.length > 0 && this.#random.chance(0.25)) {
        const at = this.#random.int(0, text.length);
        this.#deleted.push(text.toJSON().charAt(at));
        text.delete(at, 1);
      }
      text.insert(this.#random.int(0, text.length + 1), token);
    }
    this.#inserted.push(token);
  }

  /** What the studio shows is durable, though it acknowledges nothing to its author. */
  #noteWhatIsShown(): void {
    const shown = this.#ledger.tokens(this.#ledger.shown, this.blob.id);
    this.doc.getText('content').observe((event, transaction) => {
      if (transaction.local) return;
      for (const { insert } of event.delta)
        if (typeof insert === 'string') for (const token of insert) shown.add(token);
    });
  }

  /** What it has, as tokensOf gives it. */
  tokens(): string[] {
    if (this.blob.kind !== 'json') return [...this.doc.getText('content').toJSON()];
    const root = this.doc.getMap('content').get('root');
    return root instanceof Y.Map ? [...root.keys()] : [];
  }

  stop(): void {
    this.#stopping = true;
  }

  get closed(): string | undefined {
    return this.#closed;
  }

  get synced(): boolean {
    return this.#provider.synced;
  }

  /** It stayed: all it did is due. */
  settle(): void {
    const edits = this.#ledger.edits('surely', this.blob.id);
    edits.inserted.push(...this.#inserted);
    edits.deleted.push(...this.#deleted);
  }

  /** Gone in the middle of everything: nobody knows which of its edits arrived. */
  cutOff(): void {
    const edits = this.#ledger.edits('perhaps', this.blob.id);
    edits.inserted.push(...this.#inserted);
    edits.deleted.push(...this.#deleted);
    this.#ledger.count('editors cut off');
    this.close();
  }

  close(): void {
    this.#stopping = true;
    this.#gone = true;
    (this.#provider.ws as unknown as WebSocket | null)?.terminate();
    this.#provider.awareness.destroy();
    this.#provider.destroy();
    this.doc.destroy();
  }
}
