/** Why a run ends: the first reason counts. A second signal, later than npm's echo of the first, means "at once". */
import { PARENT_POLL_MS, SECOND_SIGNAL_AFTER_MS } from '../limits.ts';

export interface Reason {
  /** One sentence; empty when the user asked for it. */
  readonly sentence: string;
  readonly exitCode: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class RunEnd {
  readonly reason: Promise<Reason>;
  /** Resolves with the second signal. */
  readonly atOnce: Promise<void>;
  #resolveReason: (reason: Reason) => void = () => {};
  #resolveAtOnce: () => void = () => {};
  #decided = false;
  readonly #detach: (() => void)[] = [];

  constructor() {
    this.reason = new Promise((resolve) => (this.#resolveReason = resolve));
    this.atOnce = new Promise((resolve) => (this.#resolveAtOnce = resolve));
  }

  get decided(): boolean {
    return this.#decided;
  }

  end(sentence: string, exitCode = 1): void {
    if (this.#decided) return;
    this.#decided = true;
    this.#resolveReason({ sentence, exitCode });
  }

  watchSignals(): void {
    let first: number | undefined;
    const onSignal = (): void => {
      const now = performance.now();
      first ??= now;
      if (now - first > SECOND_SIGNAL_AFTER_MS) this.#resolveAtOnce();
      this.end('', 0);
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    this.#detach.push(() => SIGNALS.forEach((signal) => process.off(signal, onSignal)));
  }

  /** npm that was killed sends no signal on: its child only gets another parent. */
  watchParent(): void {
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid !== parent) this.end('The process that had started the studio is gone.');
    }, PARENT_POLL_MS);
    this.#detach.push(() => clearInterval(timer));
  }

  detach(): void {
    for (const undo of this.#detach.splice(0)) undo();
  }
}
