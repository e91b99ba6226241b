/** The runner against fixture files that fail in each of the ways uvu alone would miss. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { findMarked } from '../../harness/leftovers.ts';
import { harnessRoot } from '../../harness/paths.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('runner');

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; lastLine: string; output: string }>;
  /** Everything the run starts has this in its environment or on its command line. */
  readonly folder: string;
}

function start(fixtures: readonly string[], env: Record<string, string> = {}): Run {
  const folder = mkdtempSync(join(tmpdir(), 'nested-'));
  const paths = fixtures.map((name) => join(harnessRoot, 'fixtures', `${name}.ts`));
  const child = spawn(process.execPath, ['--import', 'tsx', join(harnessRoot, 'run.ts'), ...paths], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder, STUDIO_TEST_EXIT_GRACE_MS: '500', ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; lastLine: string; output: string }>((resolve) => {
    child.once('exit', (code) =>
      setTimeout(() => resolve({ code, lastLine: output.trimEnd().split('\n').at(-1) ?? '', output }), 50),
    );
  });
  return { child, ended, folder };
}

async function expectRun(
  fixtures: readonly string[],
  lastLine: string,
  code: number,
  text: string,
  env = {},
): Promise<void> {
  const run = start(fixtures, env);
  const result = await run.ended;
  assert.is(result.lastLine, lastLine, result.output);
  assert.is(result.code, code);
  assert.ok(result.output.includes(text), result.output);
  assert.equal(runFolders(run), [], 'the temporary folder is empty again');
  rmSync(run.folder, { recursive: true });
}

test('a file that passes', () => expectRun(['passes'], '2 passed, 0 failed', 0, 'passes.ts: ok'));
for (const fixtures of [['no-such-thing'], ['passes', 'no-such-thing']])
  test(`a filter that matches nothing is a failure, ${fixtures.length > 1 ? 'beside others too' : 'alone'}`, () =>
    expectRun(fixtures, '0 passed, 1 failed', 1, 'No test file matches'));
test('a test that is skipped is neither passed nor failed, and is told', () =>
  expectRun(['skips'], '1 passed, 0 failed', 0, 'skips › one: there is none here'));
test('a before that throws', () => expectRun(['before-throws'], '0 passed, 2 failed', 1, 'before is broken'));
test('an after that throws', () => expectRun(['after-throws'], '1 passed, 1 failed', 1, 'after is broken'));
test('an after.each that throws over a failing test', () =>
  expectRun(['after-each-throws'], '0 passed, 2 failed', 1, 'and then: after.each is broken'));
test('a missing run()', () => expectRun(['no-run'], '0 passed, 1 failed', 1, 'registered and never settled'));
test('a file without tests', () => expectRun(['no-tests'], '0 passed, 1 failed', 1, 'registered no test'));
test('a test that never settles', () =>
  expectRun(['never-settles'], '1 passed, 1 failed', 1, 'did not settle within 300 ms', {
    STUDIO_TEST_TIMEOUT_MS: '300',
  }));
test('a process.exit(0) in the middle', () => expectRun(['exits-early'], '1 passed, 2 failed', 1, 'never settled'));
test('a file that does not end', () => expectRun(['holds-handle'], '1 passed, 1 failed', 1, 'did not end; open: '));
test('a test that blocks the event loop', () =>
  expectRun(['blocks'], '0 passed, 2 failed', 1, 'was killed', { STUDIO_TEST_FILE_TIMEOUT_MS: '2000' }));
test('a rejection without an error', () => expectRun(['throws-nothing'], '0 passed, 1 failed', 1, 'Thrown: undefined'));
test('an exception after the last test', () =>
  expectRun(['crashes-after'], '1 passed, 1 failed', 1, 'though no test failed'));
test('a process left behind fails the file and is killed', () =>
  expectRun(['leaves-process', 'passes'], '3 passed, 1 failed', 1, 'left a process behind'));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} to the runner ends everything it started`, async () => {
    const run = start(['waits']);
    await until(
      () => findMarked(run.folder).filter((found) => /^sleep 601|-e setInterval/.test(found.command)).length === 2,
    );
    run.child.kill(signal);
    const { code } = await run.ended;
    assert.is.not(code, 0);
    await until(() => findMarked(run.folder).length === 0);
    await until(() => runFolders(run).length === 0);
    rmSync(run.folder, { recursive: true });
  });
}

/** The folders of runs; tsx keeps its own cache beside them. */
function runFolders(run: Run): string[] {
  return readdirSync(run.folder).filter((name) => !name.startsWith('tsx-'));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test.run();
