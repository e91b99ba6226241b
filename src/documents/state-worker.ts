/** Where states are built and verified: on the spot while small, else in one thread that is started when needed. */
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  STATE_INLINE_BYTES_MAX,
  STATE_THREAD_HEAP_MEGABYTES_MAX,
  STATE_THREAD_IDLE_MS_MAX,
  STATE_THREAD_MS_MAX,
} from '../limits.ts';
import {
  buildState,
  bytesOf,
  checkState,
  type BuildState,
  type BuiltState,
  type CheckState,
  type StateTask,
} from './state-builder.ts';

interface Open {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The state took more time or memory than it may: the thread was ended. */
export class StateTooHeavy extends Error {}

export class StateWorker {
  #thread: Worker | undefined;
  readonly #open = new Map<number, Open>();
  #nextId = 1;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  async build(task: Omit<BuildState, 'kind'>): Promise<BuiltState> {
    return (await this.#run({ kind: 'build', ...task })) as BuiltState;
  }

  /** Rejects when the state does not load. */
  async check(task: Omit<CheckState, 'kind'>): Promise<string[]> {
    return (await this.#run({ kind: 'check', ...task })) as string[];
  }

  async #run(task: StateTask): Promise<unknown> {
    if (this.#closed) throw new Error('closed');
    // A keystroke that comes meanwhile waits for a slice, not for the state.
    if (bytesOf(task) <= STATE_INLINE_BYTES_MAX)
      return task.kind === 'build' ? buildState(task, setImmediate) : checkState(task);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#end(new StateTooHeavy(`took more than ${STATE_THREAD_MS_MAX} ms`)),
        STATE_THREAD_MS_MAX,
      );
      this.#open.set(id, { resolve, reject, timer });
      clearTimeout(this.#idle);
      this.#ensureThread().postMessage({ id, task }, []);
    });
  }

  #ensureThread(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(threadEntry(), {
      resourceLimits: { maxOldGenerationSizeMb: STATE_THREAD_HEAP_MEGABYTES_MAX },
    });
    thread.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const open = this.#open.get(id);
      this.#open.delete(id);
      clearTimeout(open?.timer);
      if (error === undefined) open?.resolve(result);
      else open?.reject(new Error(error));
      if (this.#open.size === 0) this.#idle = setTimeout(() => this.#end(), STATE_THREAD_IDLE_MS_MAX).unref();
    });
    thread.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#thread !== thread) return;
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#end(isMemory ? new StateTooHeavy(`took more than ${STATE_THREAD_HEAP_MEGABYTES_MAX} MB`) : error);
    });
    this.#thread = thread;
    return thread;
  }

  /** One bad task must not take the others with it for good: they are told, and a later one starts a new thread. */
  #end(error: Error = new Error('ended')): void {
    const thread = this.#thread;
    this.#thread = undefined;
    clearTimeout(this.#idle);
    void thread?.terminate();
    for (const open of this.#open.values()) {
      clearTimeout(open.timer);
      open.reject(error);
    }
    this.#open.clear();
  }

  close(): void {
    this.#closed = true;
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
