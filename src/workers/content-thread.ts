/** What runs in the thread of `ContentChecks`: contents are held against schemas and patterns of strangers. */
import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { compilePatterns } from '../domain/derivation/pattern.ts';
import { compileSchema, schemaValue, type SchemaCheck } from '../domain/derivation/schema.ts';
import { StudioError } from '../errors.ts';
import { CONTENT_THREAD_HEAP_MEGABYTES_MAX, SCHEMAS_COMPILED_MAX } from '../limits.ts';

export interface SchemaTask {
  readonly kind: 'schema';
  readonly schema: string;
  /** Names the schema in errors. */
  readonly field: string;
  readonly content: Uint8Array;
  readonly contentType: string;
}

export interface PatternTask {
  readonly kind: 'patterns';
  /** One of them must occur. */
  readonly patterns: readonly string[];
  /** Names them in errors. */
  readonly field: string;
  /** UTF-8. */
  readonly content: Uint8Array;
}

export type ContentTask = SchemaTask | PatternTask;

export type ContentReply =
  | { readonly kind: 'ready' }
  /** `wrong`: what does not fit; `isFull`: the thread has had its share of memory. */
  | { readonly kind: 'checked'; readonly wrong?: string; readonly isFull: boolean }
  | { readonly kind: 'failed'; readonly error: string };

/** Compiling costs tens of milliseconds, so the schemas in use are kept. */
const schemas = new Map<string, SchemaCheck>();

parentPort?.on('message', (task: ContentTask) => {
  try {
    const wrong = task.kind === 'schema' ? check(task) : match(task);
    const isFull = getHeapStatistics().used_heap_size > CONTENT_THREAD_HEAP_MEGABYTES_MAX * 1024 * 1024;
    reply({ kind: 'checked', isFull, ...(wrong === undefined ? {} : { wrong }) });
  } catch (error) {
    // A schema or pattern that is none, which registering refuses, fits nothing; trying again would not help.
    if (error instanceof StudioError) reply({ kind: 'checked', wrong: error.message, isFull: false });
    else reply({ kind: 'failed', error: error instanceof Error ? error.message : String(error) });
  }
});
reply({ kind: 'ready' });

function reply(message: ContentReply): void {
  parentPort?.postMessage(message, []);
}

function check({ schema, field, content, contentType }: SchemaTask): string | undefined {
  let value: unknown;
  try {
    value = schemaValue(content, contentType);
  } catch (error) {
    // An output that says it is JSON and is not.
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
  const compiled = schemas.get(schema) ?? compileSchema(schema, field);
  schemas.delete(schema);
  schemas.set(schema, compiled);
  const [oldest] = schemas.keys();
  if (schemas.size > SCHEMAS_COMPILED_MAX && oldest !== undefined) schemas.delete(oldest);
  return compiled(value);
}

function match({ patterns, field, content }: PatternTask): string | undefined {
  const matches = compilePatterns(patterns, field)(Buffer.from(content).toString('utf8'));
  return matches ? undefined : 'no pattern matches the content';
}
