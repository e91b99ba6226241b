/**
 * Holds contents against schemas and patterns of strangers in a thread that can be ended (G7): a few lines of either may
 * take for ever or nearly so, and what runs on the main thread holds up every run of the worker.
 */
import { Worker } from 'node:worker_threads';
import { StudioError } from '../errors.ts';
import {
  CONTENT_CHECK_MS_MAX,
  CONTENT_CHECKS_WAITING_MAX,
  CONTENT_THREAD_HEAP_MEGABYTES_HARD,
  CONTENT_THREAD_IDLE_MS_MAX,
  CONTENT_THREAD_START_MS_MAX,
} from '../limits.ts';
import type { ContentReply, ContentTask, PatternTask, SchemaTask } from './content-thread.ts';

/** Why content does not fit. */
export interface Misfit {
  /** A sentence without its full stop. */
  readonly why: string;
  /** It was not found out: that would take too much time or memory. */
  readonly isGivenUp: boolean;
}

interface Waiting {
  readonly task: ContentTask;
  readonly resolve: (misfit: Misfit | undefined) => void;
  readonly reject: (error: Error) => void;
}

const SUBJECTS = { schema: 'the schema takes', patterns: 'the patterns take' } as const;

export class ContentChecks {
  readonly #msMax: number;
  readonly #waiting: Waiting[] = [];
  #running: Waiting | undefined;
  #thread: Worker | undefined;
  #isReady = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(msMax = CONTENT_CHECK_MS_MAX) {
    this.#msMax = msMax;
  }

  /** What does not fit, as one sentence; a schema that takes too much does not fit either. Rejects with passing trouble. */
  async check(task: Omit<SchemaTask, 'kind'>): Promise<string | undefined> {
    if (task.schema === '') return undefined;
    return (await this.#ask({ kind: 'schema', ...task }))?.why;
  }

  /** Undefined when one of the patterns occurs, or there are none. Rejects with passing trouble. */
  async match(task: Omit<PatternTask, 'kind'>): Promise<Misfit | undefined> {
    if (task.patterns.length === 0) return undefined;
    return this.#ask({ kind: 'patterns', ...task });
  }

  #ask(task: ContentTask): Promise<Misfit | undefined> {
    if (this.#isClosed) return Promise.reject(draining());
    if (this.#waiting.length >= CONTENT_CHECKS_WAITING_MAX) {
      const limit = 'CONTENT_CHECKS_WAITING_MAX';
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
      this.#timer = setTimeout(() => this.#end(), CONTENT_THREAD_IDLE_MS_MAX).unref();
      return;
    }
    if (this.#thread) {
      if (this.#isReady) this.#post(this.#thread, this.#running);
      return;
    }
    this.#thread = this.#start();
    // Says nothing of the task.
    this.#timer = setTimeout(() => this.#fail(new Error('it did not start')), CONTENT_THREAD_START_MS_MAX);
  }

  #post(thread: Worker, { task }: Waiting): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#giveUp('too long'), this.#msMax);
    thread.postMessage(task, []);
  }

  #start(): Worker {
    const thread = new Worker(threadEntry(), {
      name: 'content checks',
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: CONTENT_THREAD_HEAP_MEGABYTES_HARD },
    });
    const ifCurrent = (act: () => void): void => {
      if (this.#thread === thread) act();
    };
    thread.on('message', (reply: ContentReply) => ifCurrent(() => this.#onReply(thread, reply)));
    thread.on('error', (error: NodeJS.ErrnoException) =>
      ifCurrent(() => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#giveUp('too much memory');
        else this.#fail(error);
      }),
    );
    thread.on('exit', () => ifCurrent(() => this.#fail(new Error('it ended'))));
    thread.unref();
    return thread;
  }

  #onReply(thread: Worker, reply: ContentReply): void {
    if (reply.kind === 'ready') {
      this.#isReady = true;
      if (this.#running) this.#post(thread, this.#running);
      return;
    }
    const done = this.#running;
    this.#running = undefined;
    if (reply.kind === 'failed') done?.reject(new StudioError('INTERNAL', `A content check failed: ${reply.error}`));
    else {
      // What a thread took is not given back before it ends.
      if (reply.isFull) this.#end();
      done?.resolve(reply.wrong === undefined ? undefined : { why: reply.wrong, isGivenUp: false });
    }
    this.#next();
  }

  /** Ends the thread with what it is at: the others go on in a new one. */
  #giveUp(what: 'too long' | 'too much memory'): void {
    const running = this.#running;
    this.#end();
    running?.resolve({ why: `${SUBJECTS[running.task.kind]} ${what} to check`, isGivenUp: true });
    this.#next();
  }

  #fail(cause: Error): void {
    const running = this.#running;
    this.#end();
    running?.reject(new StudioError('INTERNAL', 'The thread that checks contents failed.', {}, { cause }));
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
  if (!import.meta.url.endsWith('.ts')) return new URL('./content-thread.js', import.meta.url);
  const thread = JSON.stringify(new URL('./content-thread.ts', import.meta.url).href);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import { register } from ${loader}; register(); await import(${thread});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}
