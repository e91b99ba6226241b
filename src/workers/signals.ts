/** Tells the workflow of a root and owner that something changed. One signal carries all that was seen since the last. */
import { SIGNAL_EVERY_MS, SIGNALS_IN_FLIGHT_MAX } from '../limits.ts';
import type { SeenVersions, SeenVersion } from './names.ts';
import { rootWorkflowId } from './root-workflow.ts';

/** Puts one signal into Temporal, starting the workflow if none runs. Implemented by `client.ts`. */
export interface SignalSender {
  send(rootId: string, owner: string, seen: SeenVersions): Promise<void>;
}

interface Waiting {
  readonly rootId: string;
  readonly owner: string;
  readonly seen: Map<string, SeenVersion>;
  readonly sent: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class RootSignals {
  readonly #sender: SignalSender;
  /** Workflow id → what the next signal will carry. */
  readonly #waiting = new Map<string, Waiting>();
  /** Workflows whose last signal is under way or just went out. */
  readonly #resting = new Set<string>();
  #inFlight = 0;

  constructor(sender: SignalSender) {
    this.#sender = sender;
  }

  /** Resolves once a signal that carries `seen` is in Temporal; rejects if that one could not be sent. */
  signal(rootId: string, owner: string, seen: SeenVersions): Promise<void> {
    const id = rootWorkflowId(rootId, owner);
    let waiting = this.#waiting.get(id);
    if (!waiting) {
      waiting = newWaiting(rootId, owner);
      this.#waiting.set(id, waiting);
    }
    mergeSeen(waiting.seen, seen);
    this.#pump();
    return waiting.sent;
  }

  /** Workflows take turns: a Map keeps the order in which they began to wait. */
  #pump(): void {
    for (const [id, waiting] of this.#waiting) {
      if (this.#inFlight >= SIGNALS_IN_FLIGHT_MAX) return;
      if (this.#resting.has(id)) continue;
      this.#waiting.delete(id);
      this.#resting.add(id);
      this.#inFlight += 1;
      void this.#send(id, waiting);
    }
  }

  async #send(id: string, waiting: Waiting): Promise<void> {
    try {
      await this.#sender.send(waiting.rootId, waiting.owner, Object.fromEntries(waiting.seen));
      waiting.resolve();
    } catch (error) {
      waiting.reject(error);
    }
    this.#inFlight -= 1;
    // What comes in the meantime shares the next signal.
    setTimeout(() => {
      this.#resting.delete(id);
      this.#pump();
    }, SIGNAL_EVERY_MS).unref();
    this.#pump();
  }
}

function mergeSeen(into: Map<string, SeenVersion>, seen: SeenVersions): void {
  for (const [blobId, version] of Object.entries(seen)) {
    if ((into.get(blobId)?.version ?? 0) < version.version) into.set(blobId, version);
  }
}

function newWaiting(rootId: string, owner: string): Waiting {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const sent = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { rootId, owner, seen: new Map(), sent, resolve, reject };
}
