/**
 * Threads in which raw updates are tried before they touch a live document (G7). Checking and integrating an update may
 * take long, or more memory than there is, and can't be stopped within one thread: there it can, with the thread.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { StudioError } from '../../errors.ts';
import {
  TRIAL_LOAD_MS_MAX,
  TRIAL_MEMORY_MB_HARD,
  TRIAL_MEMORY_MB_MAX,
  TRIAL_MS_MAX,
  TRIAL_STACK_MB_MAX,
  TRIAL_THREAD_IDLE_MS_MAX,
  TRIAL_THREADS_MAX,
} from '../../limits.ts';
import type { TrialReply, TrialRequest } from './trial-thread.ts';
import { WaitingTrials } from './waiting-trials.ts';

export interface Trial {
  readonly userId: string;
  /** Never refused for the number of those that wait. Only for what is bounded itself: one of each session at a time. */
  readonly isPatient: boolean;
  /** The document's state as an update; asked for when the trial begins. */
  readonly state: () => Uint8Array;
  /** Each is tried on the result of the one before. */
  readonly updates: readonly Uint8Array[];
  readonly contentType: string;
}

export interface UpdateTrialsOptions {
  readonly memoryMb?: number;
  /** Default: the built thread beside this file. */
  readonly startThread?: (resourceLimits: ResourceLimits) => Worker;
}

function startBuiltThread(resourceLimits: ResourceLimits): Worker {
  return new Worker(new URL('./trial-thread.js', import.meta.url), { name: 'update trials', env: {}, resourceLimits });
}

export class UpdateTrials {
  readonly #logger: Logger;
  readonly #waiting = new WaitingTrials();
  readonly #threads = new Set<TrialThread>();
  readonly #memoryMb: number;
  readonly #start: () => Worker;
  #isClosed = false;

  constructor(logger: Logger, options: UpdateTrialsOptions = {}) {
    this.#logger = logger;
    const start = options.startThread ?? startBuiltThread;
    this.#memoryMb = options.memoryMb ?? TRIAL_MEMORY_MB_MAX;
    this.#start = () => start({ maxOldGenerationSizeMb: TRIAL_MEMORY_MB_HARD, stackSizeMb: TRIAL_STACK_MB_MAX });
  }

  /** Resolves if the updates integrate within their budgets; rejects with the StudioError it is refused for. */
  try(trial: Trial): Promise<void> {
    if (this.#isClosed) return Promise.reject(new StudioError('DRAINING', 'This studio process is stopping.'));
    const limit = trial.isPatient ? undefined : this.#waiting.limitFor(trial.userId);
    if (limit !== undefined) {
      return Promise.reject(new StudioError('LIMIT_EXCEEDED', 'Too many large updates wait to be checked.', { limit }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add({ trial, resolve, reject });
      this.#pump();
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.takeAll()) {
      reject(new StudioError('DRAINING', 'This studio process is stopping.'));
    }
    for (const thread of this.#threads) thread.end();
  }

  #pump(): void {
    while (this.#waiting.size > 0) {
      const thread = this.#freeThread();
      const next = thread && this.#waiting.take();
      if (!next) return;
      void thread
        .run(next.trial)
        .then(next.resolve, next.reject)
        .finally(() => this.#pump());
    }
  }

  #freeThread(): TrialThread | undefined {
    for (const thread of this.#threads) if (!thread.isBusy) return thread;
    if (this.#threads.size >= TRIAL_THREADS_MAX) return undefined;
    const thread = new TrialThread({
      start: this.#start,
      memoryMb: this.#memoryMb,
      logger: this.#logger,
      onEnd: () => this.#threads.delete(thread),
    });
    this.#threads.add(thread);
    return thread;
  }
}

interface TrialThreadOptions {
  readonly start: () => Worker;
  readonly memoryMb: number;
  readonly logger: Logger;
  readonly onEnd: () => void;
}

/** One thread, which ends itself when it is idle for long, and is ended when it does not answer. */
class TrialThread {
  readonly #options: TrialThreadOptions;
  #worker: Worker;
  /** Trials this worker has had. */
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #trial:
    { readonly trial: Trial; readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(options: TrialThreadOptions) {
    this.#options = options;
    this.#worker = this.#begin();
  }

  get isBusy(): boolean {
    return this.#trial !== undefined;
  }

  run(trial: Trial): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#trial = { trial, resolve, reject };
      this.#post(trial);
    });
  }

  #begin(): Worker {
    const worker = this.#options.start();
    const ifCurrent = (act: () => void): void => {
      if (this.#worker === worker) act();
    };
    worker.on('message', (reply: TrialReply) => ifCurrent(() => this.#onReply(reply)));
    worker.on('error', (error) => ifCurrent(() => this.#onError(error)));
    worker.on('exit', () => ifCurrent(() => this.#finish(new Error('The thread ended.'))));
    worker.unref();
    return worker;
  }

  #post({ state: copy, updates, contentType }: Trial): void {
    this.#tries += 1;
    this.#worker.ref();
    this.#limit(TRIAL_LOAD_MS_MAX, 'TRIAL_LOAD_MS_MAX');
    // The document's copy is handed over; the updates are still needed here.
    const state = copy();
    const transferred = state.byteLength === state.buffer.byteLength ? [state.buffer as ArrayBuffer] : [];
    const { memoryMb } = this.#options;
    this.#worker.postMessage({ state, updates, contentType, memoryMb } satisfies TrialRequest, transferred);
  }

  /** What was in memory may have been left of earlier trials: a new one tells. */
  #onExhausted(): void {
    if (this.#tries === 1 || !this.#trial) {
      this.#refuse('TRIAL_MEMORY_MB_MAX');
      return;
    }
    const used = this.#worker;
    this.#worker = this.#begin();
    this.#tries = 0;
    void used.terminate();
    this.#post(this.#trial.trial);
  }

  end(): void {
    this.#options.onEnd();
    void this.#worker.terminate();
  }

  #limit(ms: number, limit: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#options.logger.warn({ limit }, 'an update took too long to try; its thread is ended');
      this.#refuse(limit);
    }, ms);
  }

  #onReply(reply: TrialReply): void {
    if (reply.kind === 'loaded') {
      this.#limit(TRIAL_MS_MAX, 'TRIAL_MS_MAX');
      return;
    }
    if (reply.kind === 'exhausted') {
      this.#onExhausted();
      return;
    }
    clearTimeout(this.#timer);
    const trial = this.#trial;
    this.#trial = undefined;
    this.#worker.unref();
    this.#timer = setTimeout(() => this.end(), TRIAL_THREAD_IDLE_MS_MAX).unref();
    if (reply.kind === 'passed') trial?.resolve();
    else trial?.reject(new StudioError(reply.reason, reply.message, reply.metadata));
  }

  #onError(error: Error): void {
    const isMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    this.#options.logger.warn({ err: error }, 'a thread that tried an update failed');
    if (isMemory) this.#refuse('TRIAL_MEMORY_MB_MAX');
    else this.#finish(error);
  }

  #refuse(limit: string): void {
    this.#finish(new StudioError('UPDATE_TOO_COMPLEX', 'The update takes too much to be integrated.', { limit }));
  }

  #finish(error: Error): void {
    clearTimeout(this.#timer);
    this.#trial?.reject(error);
    this.#trial = undefined;
    this.end();
  }
}
