/**
 * The one file that imports uvu itself. uvu alone exits 0 when a `before` throws, when an `after.each` throws over
 * failing tests or when `.run()` is missing, and hangs on a test that never settles. So hooks and timeouts are run
 * here, inside what uvu sees as the test, and every registered and settled test is reported to the runner.
 */
import { suite as uvuSuite } from 'uvu';
import { FILE_EXIT_GRACE_MS, HOOK_TIMEOUT_MS, limitFromEnvironment, TEST_TIMEOUT_MS } from './limits.ts';
import { report } from './report.ts';

export type Body = () => Promise<void> | void;

/** Ends the running test as skipped: neither passed nor failed, and told at the end of the run. */
export function skip(reason: string): never {
  throw new Skipped(reason);
}

class Skipped extends Error {}

export interface Hook {
  (body: Body): void;
  each(body: Body): void;
}

export interface Suite {
  (title: string, body: Body, options?: { readonly timeoutMs?: number }): void;
  readonly before: Hook;
  /** Runs also when `before` failed, so that what did start is stopped. */
  readonly after: Hook;
  run(): void;
}

interface Hooks {
  readonly before: Body[];
  readonly after: Body[];
  readonly beforeEach: Body[];
  readonly afterEach: Body[];
}

export function suite(name: string, options: { readonly timeoutMs?: number } = {}): Suite {
  const inner = uvuSuite(name);
  const hooks: Hooks = { before: [], after: [], beforeEach: [], afterEach: [] };
  const idsInUse = new Set<string>();
  const suiteTimeoutMs = options.timeoutMs ?? limitFromEnvironment('STUDIO_TEST_TIMEOUT_MS', TEST_TIMEOUT_MS);
  let beforeError: Error | undefined;

  const add = (title: string, body: Body): void => {
    let id = `${name} › ${title}`;
    while (idsInUse.has(id)) id += "'";
    idsInUse.add(id);
    report({ kind: 'registered', id });
    inner(title, async () => {
      try {
        await body();
      } catch (thrown) {
        const error = toError(thrown);
        if (error instanceof Skipped) {
          report({ kind: 'skipped', id, reason: error.message });
          return;
        }
        report({ kind: 'failed', id, error: error.stack ?? error.message });
        throw printable(error);
      }
      report({ kind: 'passed', id });
    });
  };

  const testWithHooks = async (body: Body, timeoutMs: number): Promise<void> => {
    if (beforeError)
      throw new Error(`Not run, because before() failed: ${beforeError.message}`, { cause: beforeError });
    const errors: Error[] = [];
    try {
      for (const hook of hooks.beforeEach) await bounded(hook, HOOK_TIMEOUT_MS, 'before.each()');
      await bounded(body, timeoutMs, 'The test');
    } catch (thrown) {
      errors.push(toError(thrown));
    }
    for (const hook of hooks.afterEach) {
      await bounded(hook, HOOK_TIMEOUT_MS, 'after.each()').catch((thrown: unknown) => errors.push(toError(thrown)));
    }
    const [first, ...rest] = errors;
    if (first && rest.length > 0) first.message += rest.map((error) => `\n  and then: ${error.message}`).join('');
    if (first) throw first;
  };

  const register = (title: string, body: Body, own: { readonly timeoutMs?: number } = {}): void =>
    add(title, () => testWithHooks(body, own.timeoutMs ?? suiteTimeoutMs));

  return Object.assign(register, {
    before: hook(hooks.before, hooks.beforeEach),
    after: hook(hooks.after, hooks.afterEach),
    run: (): void => {
      inner.before(async () => {
        clearTimeout(exitTimer);
        try {
          for (const body of hooks.before) await bounded(body, HOOK_TIMEOUT_MS, 'before()');
        } catch (thrown) {
          beforeError = toError(thrown);
          report({ kind: 'failed', id: `${name} › before()`, error: beforeError.stack ?? beforeError.message });
          process.stdout.write(`before() failed: ${beforeError.stack ?? beforeError.message}\n`);
        }
      });
      // The last "test" runs the after hooks, so that one that throws is a failed test like any other.
      if (hooks.after.length > 0) add('after()', () => runAll(hooks.after));
      inner.after(endSoon);
      inner.run();
    },
  });
}

async function runAll(bodies: readonly Body[]): Promise<void> {
  const errors: Error[] = [];
  for (const body of [...bodies].reverse()) {
    await bounded(body, HOOK_TIMEOUT_MS, 'after()').catch((thrown: unknown) => errors.push(toError(thrown)));
  }
  if (errors.length > 0)
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, errors.map(String).join('; '));
}

function hook(once: Body[], each: Body[]): Hook {
  return Object.assign((body: Body): void => void once.push(body), {
    each: (body: Body): void => void each.push(body),
  });
}

/** Rejects when `body` takes longer; what it is still doing then goes on, but can no longer make the file hang. */
async function bounded(body: Body, timeoutMs: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not settle within ${timeoutMs} ms.`)), timeoutMs);
  });
  try {
    await Promise.race([Promise.resolve().then(body), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** uvu prints `details` as text; an error of a call that has others there would end the whole file. */
function printable(error: Error): Error {
  if (!('details' in error) || typeof error.details === 'string') return error;
  const plain = new Error(error.message);
  plain.stack = error.stack;
  return plain;
}

/** uvu reads `.name` and `.stack` of whatever was thrown. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`Thrown: ${String(thrown)}`);
}

let exitTimer: NodeJS.Timeout | undefined;

/** A file that is through but holds handles open would hang the run: it fails instead, saying what it holds. */
function endSoon(): void {
  clearTimeout(exitTimer);
  const graceMs = limitFromEnvironment('STUDIO_TEST_EXIT_GRACE_MS', FILE_EXIT_GRACE_MS);
  exitTimer = setTimeout(() => {
    const error = `All tests settled, but the file did not end; open: ${process.getActiveResourcesInfo().join(', ')}.`;
    process.stdout.write(`${error}\n`);
    report({ kind: 'failed', id: '(end of file)', error });
    process.exit(1);
  }, graceMs);
  exitTimer.unref();
}
