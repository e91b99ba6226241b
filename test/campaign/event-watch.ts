/** A consumer of WatchEvents that resumes where it was, through any process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventType } from '../../src/gen/memmie/studio/v1/event_pb.ts';
import type { Random } from '../harness/random.ts';
import { reasonOf, type StudioClient } from '../harness/studio-client.ts';
import type { Ledger } from './ledger.ts';
import type { World } from './world.ts';

const PAUSE_MS = 100;
/** Each watch is ended after so long, to resume elsewhere. */
const WATCH_MS_MAX = 8_000;

export class EventWatch {
  /** `<blob id>:<version>` of each delta.applied. */
  readonly seen = new Set<string>();
  readonly #clients: readonly StudioClient[];
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #stop = new AbortController();
  #cursor = '';
  /** Date.now() from when on nothing can be missed; Infinity while it begins anew and has seen nothing yet. */
  #wholeSinceMs = 0;

  constructor(options: { readonly world: World; readonly random: Random; readonly ledger: Ledger }) {
    this.#random = options.random;
    this.#ledger = options.ledger;
    this.#clients = options.world.places.map((_, index) => options.world.connect(index, 'grpc'));
  }

  /** True once there is a cursor: from then on nothing can be missed. */
  get isAnchored(): boolean {
    return this.#cursor !== '';
  }

  /** What was committed since then it is to see. Before it had to begin anew, and has not seen what came in between. */
  get wholeSinceMs(): number {
    return this.#wholeSinceMs;
  }

  stop(): void {
    this.#stop.abort();
  }

  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const client = this.#random.pick(this.#clients);
      const signal = AbortSignal.any([
        this.#stop.signal,
        AbortSignal.timeout(this.#random.int(WATCH_MS_MAX / 4, WATCH_MS_MAX)),
      ]);
      try {
        for await (const { event, cursor } of client.events.watchEvents({ cursor: this.#cursor }, { signal })) {
          if (event?.type === EventType.DELTA_APPLIED) this.seen.add(`${event.blobId}:${event.version}`);
          this.#cursor = cursor;
          this.#wholeSinceMs = Math.min(this.#wholeSinceMs, Date.now());
        }
      } catch (error) {
        if (reasonOf(error) === 'CURSOR_INVALID') {
          // A NATS that was killed may lack what it had acknowledged last; it is told so.
          if (String(error).includes('has lost its end')) this.#ledger.count('watches begun anew');
          else this.#ledger.find(`a watch could not resume: ${String(error)}`);
          this.#wholeSinceMs = Infinity;
          this.#cursor = '';
        }
        this.#ledger.count('watches resumed');
      }
      await sleep(PAUSE_MS);
    }
  }
}
