/**
 * Holds contents against schemas of strangers in a thread that can be ended (G7): a few lines of schema may take for ever,
 * and what runs on the main thread holds up every run of the worker.
 */
import { Worker } from 'node:worker_threads';
import { StudioError } from '../errors.ts';
import {
  SCHEMA_CHECK_MS_MAX,
  SCHEMA_CHECKS_WAITING_MAX,
  SCHEMA_THREAD_HEAP_MEGABYTES_HARD,
  SCHEMA_THREAD_IDLE_MS_MAX,
  SCHEMA_THREAD_START_MS_MAX,
} from '../limits.ts';
import type { SchemaReply, SchemaTask } from './schema-thread.ts';

interface Waiting {
  readonly task: SchemaTask;
  readonly resolve: (wrong: string | undefined) => void;
  readonly reject: (error: Error) => void;
}

const TOO_LONG = 'the schema takes too long to check';

export class SchemaChecks {
  readonly #msMax: number;
  readonly #waiting: Waiting[] = [];
  #running: Waiting | undefined;
  #thread: Worker | undefined;
  #isReady = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(msMax = SCHEMA_CHECK_MS_MAX) {
    this.#msMax = msMax;
  }

  /** What does not fit, as one sentence; a schema that takes too much does not fit either. Rejects with passing trouble. */
  check(task: SchemaTask): Promise<string | undefined> {
    if (task.schema === '') return Promise.resolve(undefined);
    if (this.#isClosed) return Promise.reject(draining());
    if (this.#waiting.length >= SCHEMA_CHECKS_WAITING_MAX) {
      const limit = 'SCHEMA_CHECKS_WAITING_MAX';
      return Promise.reject(new StudioError('LIMIT_EXCEEDED', 'Too many contents wait to be checked.', { limit }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(draining());
    const running = this.#running;
    this.#end();
    running?.reject(draining());
  }

  #next(): void {
    if (this.#running) return;
    clearTimeout(this.#timer);
    this.#running = this.#waiting.shift();
    if (!this.#running) {
      this.#timer = setTimeout(() => this.#end(), SCHEMA_THREAD_IDLE_MS_MAX).unref();
      return;
    }
    if (this.#thread) {
      if (this.#isReady) this.#post(this.#thread, this.#running);
      return;
    }
    this.#thread = this.#start();
    // Says nothing of the schema.
    this.#timer = setTimeout(() => this.#fail(new Error('it did not start')), SCHEMA_THREAD_START_MS_MAX);
  }

  #post(thread: Worker, { task }: Waiting): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(TOO_LONG), this.#msMax);
    thread.postMessage(task, []);
  }

  #start(): Worker {
    const thread = new Worker(threadEntry(), {
      name: 'schema checks',
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: SCHEMA_THREAD_HEAP_MEGABYTES_HARD },
    });
    const ifCurrent = (act: () => void): void => {
      if (this.#thread === thread) act();
    };
    thread.on('message', (reply: SchemaReply) => ifCurrent(() => this.#onReply(thread, reply)));
    thread.on('error', (error: NodeJS.ErrnoException) =>
      ifCurrent(() => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#settle('the schema takes too much memory to check');
        else this.#fail(error);
      }),
    );
    thread.on('exit', () => ifCurrent(() => this.#fail(new Error('it ended'))));
    thread.unref();
    return thread;
  }

  #onReply(thread: Worker, reply: SchemaReply): void {
    if (reply.kind === 'ready') {
      this.#isReady = true;
      if (this.#running) this.#post(thread, this.#running);
      return;
    }
    const done = this.#running;
    this.#running = undefined;
    if (reply.kind === 'failed') done?.reject(new StudioError('INTERNAL', `A schema check failed: ${reply.error}`));
    else {
      // What a thread took is not given back before it ends.
      if (reply.isFull) this.#end();
      done?.resolve(reply.wrong);
    }
    this.#next();
  }

  /** Ends the thread with what it is at: the others go on in a new one. */
  #settle(wrong: string): void {
    const running = this.#running;
    this.#end();
    running?.resolve(wrong);
    this.#next();
  }

  #fail(cause: Error): void {
    const running = this.#running;
    this.#end();
    running?.reject(new StudioError('INTERNAL', 'The thread that checks schemas failed.', {}, { cause }));
    if (this.#waiting.length > 0) this.#next();
  }

  #end(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#running = undefined;
    this.#isReady = false;
    clearTimeout(this.#timer);
    void thread?.terminate();
  }
}

function draining(): StudioError {
  return new StudioError('DRAINING', 'This studio process is stopping.');
}

/** From source a thread does not inherit what lets its parent read TypeScript. */
function threadEntry(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./schema-thread.js', import.meta.url);
  const thread = JSON.stringify(new URL('./schema-thread.ts', import.meta.url).href);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import { register } from ${loader}; register(); await import(${thread});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
