/** Where states are built and verified: on the spot while small, else in one thread that is started when needed. */
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { StudioError } from '../../errors.ts';
import {
  STATE_INLINE_BYTES_MAX,
  STATE_THREAD_HEAP_MEGABYTES_HARD,
  STATE_THREAD_HEAP_MEGABYTES_MAX,
  STATE_THREAD_IDLE_MS_MAX,
  STATE_THREAD_MS_MAX,
} from '../../limits.ts';
import {
  buildState,
  bytesOf,
  checkState,
  type BuildState,
  type BuiltState,
  type CheckState,
  type StateTask,
} from './state-builder.ts';
import type { ThreadData, ThreadReply } from './state-thread.ts';

interface Task {
  readonly task: StateTask;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The state took more time or memory than it may: the thread was ended. */
export class StateTooHeavy extends Error {}

/** There is no thread (any more), which says nothing of the state. */
export class StateThreadGone extends StudioError {
  constructor(reason: 'DRAINING' | 'INTERNAL', options?: ErrorOptions) {
    const isEnding = reason === 'DRAINING';
    super(reason, isEnding ? 'The studio is stopping.' : 'The thread that reads large documents failed.', {}, options);
  }
}

/** What one task may take. */
export interface ThreadBounds {
  readonly ms: number;
  readonly heapMegabytes: number;
}

export class StateWorker {
  readonly #bounds: ThreadBounds;
  #thread: Worker | undefined;
  /** One after the other, so that what ends the thread is known, and time is counted from a task's own beginning. */
  readonly #waiting: Task[] = [];
  #running: Task | undefined;
  /** Tasks that the thread has had. */
  #served = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(bounds: ThreadBounds = { ms: STATE_THREAD_MS_MAX, heapMegabytes: STATE_THREAD_HEAP_MEGABYTES_MAX }) {
    this.#bounds = bounds;
  }

  async build(task: Omit<BuildState, 'kind'>): Promise<BuiltState> {
    return (await this.#run({ kind: 'build', ...task })) as BuiltState;
  }

  /** Rejects when the state does not load. */
  async check(task: Omit<CheckState, 'kind'>): Promise<string[]> {
    return (await this.#run({ kind: 'check', ...task })) as string[];
  }

  async #run(task: StateTask): Promise<unknown> {
    if (this.#closed) throw new StateThreadGone('DRAINING');
    // A keystroke that comes meanwhile waits for a slice, not for the state.
    if (bytesOf(task) <= STATE_INLINE_BYTES_MAX)
      return task.kind === 'build' ? buildState(task, setImmediate) : checkState(task, setImmediate);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) return;
    clearTimeout(this.#timer);
    this.#running = this.#waiting.shift();
    if (!this.#running) {
      this.#timer = setTimeout(() => this.#end(), STATE_THREAD_IDLE_MS_MAX).unref();
      return;
    }
    const { ms } = this.#bounds;
    this.#timer = setTimeout(() => this.#end(new StateTooHeavy(`took more than ${ms} ms`)), ms);
    try {
      const thread = this.#ensureThread();
      this.#served += 1;
      thread.postMessage(this.#running.task, []);
    } catch (error) {
      this.#end(new StateThreadGone('INTERNAL', { cause: error }));
    }
  }

  #ensureThread(): Worker {
    if (this.#thread) return this.#thread;
    const { heapMegabytes } = this.#bounds;
    const thread = new Worker(threadEntry(), {
      workerData: { heapMegabytes } satisfies ThreadData,
      resourceLimits: { maxOldGenerationSizeMb: STATE_THREAD_HEAP_MEGABYTES_HARD },
    });
    thread.on('message', ({ result, error, isTooHeavy }: ThreadReply) => {
      if (this.#thread !== thread) return;
      if (isTooHeavy) {
        this.#onTooHeavy(error);
        return;
      }
      const done = this.#running;
      this.#running = undefined;
      if (error === undefined) done?.resolve(result);
      else done?.reject(new Error(error));
      this.#next();
    });
    thread.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#thread !== thread) return;
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#end(
        isMemory
          ? new StateTooHeavy(`took more than ${STATE_THREAD_HEAP_MEGABYTES_HARD} MB`)
          : new StateThreadGone('INTERNAL', { cause: error }),
      );
    });
    this.#thread = thread;
    this.#served = 0;
    return thread;
  }

  /** What was in memory may have been left of earlier tasks: a thread of its own tells. */
  #onTooHeavy(why: string | undefined): void {
    const again = this.#served > 1 ? this.#running : undefined;
    if (again) {
      this.#running = undefined;
      this.#waiting.unshift(again);
    }
    this.#end(new StateTooHeavy(why));
  }

  /** What was running must not take the others with it: they go on in a new thread. */
  #end(error: Error = new StateThreadGone('DRAINING')): void {
    const [thread, failed] = [this.#thread, this.#running];
    this.#thread = undefined;
    this.#running = undefined;
    clearTimeout(this.#timer);
    void thread?.terminate();
    failed?.reject(error);
    if (this.#waiting.length > 0) this.#next();
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new StateThreadGone('DRAINING'));
    this.#end();
  }
}

/** From source a thread does not inherit what lets its parent read TypeScript. */
function threadEntry(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./state-thread.js', import.meta.url);
  const thread = JSON.stringify(new URL('./state-thread.ts', import.meta.url).href);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import { register } from ${loader}; register(); await import(${thread});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
