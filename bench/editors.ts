/** Editor to editor: stock y-websocket clients in one document, from a keystroke to everyone else's screen. */
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { median, milliseconds, percentile, perSecond, print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';

const EDITORS = 20;
const EDITS_PER_SECOND = 5;
const LATENCY_MEDIAN_MS_MAX = 5;
const WARM_UP_MS = 3_000;
const MEASURE_MS = 8_000;
/** For the last keystrokes to arrive. */
const SETTLE_MS = 1_000;

export async function benchEditors(options: BenchOptions): Promise<Verdict[]> {
  print(`\nEditors: ${EDITORS} y-websocket clients in one document, ${EDITS_PER_SECOND} keystrokes/s each`);
  const rig = await startRig({ worker: false });
  const sitting = new Sitting();
  try {
    const client = await rig.connect('bench');
    const { blob } = await client.blobs.createBlob({ contentType: 'text/plain' });
    const token = await rig.token('bench');
    await Promise.all(Array.from({ length: EDITORS }, () => sitting.join(rig, blob?.id ?? '', token)));
    await sitting.type(WARM_UP_MS * options.scale);
    const rounds: number[][] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      rounds.push(await sitting.type(MEASURE_MS * options.scale));
    }
    const all = rounds.flat();
    const medians = rounds.map(median);
    const missing = sitting.missing();
    printTable([
      ['', 'median', 'p99', 'worst round', 'best round', 'arrivals'],
      [
        'keystroke to another editor',
        milliseconds(median(all)),
        milliseconds(percentile(all, 0.99)),
        milliseconds(Math.max(...medians)),
        milliseconds(Math.min(...medians)),
        perSecond((all.length * 1000) / (MEASURE_MS * options.scale * options.rounds)),
      ],
    ]);
    return [
      {
        goal: `editor to editor: median ≤ ${LATENCY_MEDIAN_MS_MAX} ms, every edit durable before it is shown`,
        reached: median(all) <= LATENCY_MEDIAN_MS_MAX && missing === 0,
        measured: missing === 0 ? milliseconds(median(all)) : `${missing} keystrokes did not arrive everywhere`,
      },
    ];
  } finally {
    sitting.leave();
    await rig.stop();
  }
}

class Sitting {
  readonly #editors: { doc: Y.Doc; provider: WebsocketProvider }[] = [];
  /** By client id: when each of its keystrokes was typed; a keystroke is one clock. */
  readonly #typedAt = new Map<number, number[]>();
  #latenciesMs: number[] = [];

  async join(rig: Rig, blobId: string, token: string): Promise<void> {
    const doc = new Y.Doc();
    const provider = new WebsocketProvider(`${rig.address.replace(/^http/, 'ws')}/sync`, blobId, doc, {
      params: { token },
      WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
    });
    this.#editors.push({ doc, provider });
    this.#typedAt.set(doc.clientID, []);
    await new Promise<void>((resolve) => provider.on('sync', (isSynced) => isSynced && resolve()));
    doc.on('afterTransaction', (transaction) => {
      if (transaction.local) return;
      const now = performance.now();
      for (const [clientId, after] of transaction.afterState) {
        const typedAt = this.#typedAt.get(clientId) ?? [];
        for (let clock = transaction.beforeState.get(clientId) ?? 0; clock < after; clock += 1) {
          const at = typedAt[clock];
          if (at !== undefined) this.#latenciesMs.push(now - at);
        }
      }
    });
  }

  /** Everyone types for so long, each at moments of their own; resolves with how long each keystroke took to each other. */
  async type(durationMs: number): Promise<number[]> {
    this.#latenciesMs = [];
    const ends = performance.now() + durationMs;
    await Promise.all(this.#editors.map(({ doc }) => this.#typeOne(doc, ends)));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return this.#latenciesMs;
  }

  async #typeOne(doc: Y.Doc, ends: number): Promise<void> {
    const text = doc.getText('content');
    for (;;) {
      // Between half and one and a half of the mean: no two editors stay in step.
      const pauseMs = (1000 / EDITS_PER_SECOND) * (0.5 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (performance.now() >= ends) return;
      this.#typedAt.get(doc.clientID)?.push(performance.now());
      text.insert(Math.floor(Math.random() * (text.length + 1)), 'x');
    }
  }

  /** Keystrokes that some editor lacks. */
  missing(): number {
    let missing = 0;
    for (const { doc } of this.#editors) {
      const known = Y.decodeStateVector(Y.encodeStateVector(doc));
      for (const [clientId, typedAt] of this.#typedAt) missing += typedAt.length - (known.get(clientId) ?? 0);
    }
    return missing;
  }

  leave(): void {
    for (const { doc, provider } of this.#editors) {
      provider.destroy();
      doc.destroy();
    }
  }
}
