/**
 * `npm test [-- FILTER…]`: runs every test/**\/*.test.ts whose path contains one of the filters, each in a process of
 * its own. A filter that names a file runs exactly that file. The last line is `N passed, N failed`; the exit code is
 * 0 only if something passed and nothing failed. What was skipped is listed before it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { killGroup } from './leftovers.ts';
import { FILES_AT_ONCE } from './limits.ts';
import { harnessRoot, projectRoot, testRoot } from './paths.ts';
import { runTestFile, type FinishedFile } from './test-file.ts';

/** Throws where a filter matches nothing: a misspelt one would pass unnoticed beside others. */
function chooseFiles(filters: readonly string[]): string[] {
  const named = filters
    .filter((filter) => existsSync(filter) && statSync(filter).isFile())
    .map((path) => resolve(path));
  const parts = filters.filter((filter) => !named.includes(resolve(filter)));
  if (filters.length > 0 && parts.length === 0) return named;
  const files = filesBelow(testRoot).filter((path) => path.endsWith('.test.ts'));
  const matches = (part: string): string[] => files.filter((path) => relative(projectRoot, path).includes(part));
  for (const part of parts) if (matches(part).length === 0) throw new Error(`No test file matches "${part}".`);
  const all = parts.length === 0 ? files : parts.flatMap(matches);
  return [...new Set([...named, ...all])].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
}

/** Tests start the studio from dist/ and read src/ beside it: run against an old build they would test two programs. */
function requireFreshBuild(): void {
  const built = statSync(join(projectRoot, 'dist', 'main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const stale = filesBelow(join(projectRoot, 'src')).find(
    (path) => path.endsWith('.ts') && statSync(path).mtimeMs > built,
  );
  if (stale) throw new Error(`${relative(projectRoot, stale)} is newer than dist/: run \`npm run build\` first.`);
}

/** What needs no servers comes first: the quickest answer when something is plainly broken. */
function rank(path: string): number {
  return /\/(unit|conventions)\//.test(path) ? 0 : 1;
}

async function main(): Promise<number> {
  const files = chooseFiles(process.argv.slice(2));
  if (files.some((path) => rank(path) > 0)) requireFreshBuild();
  const mark = `studio-test-${process.pid}-${randomBytes(4).toString('hex')}-`;
  const folder = join(tmpdir(), mark);
  mkdirSync(folder, { recursive: true });
  const watchdog = spawn(process.execPath, ['--import', 'tsx', join(harnessRoot, 'watchdog.ts'), mark, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const watchdogEnded = new Promise((done) => watchdog.once('exit', done));

  const running = new Set<number>();
  const stop = (code: number): void => {
    for (const pid of running) killGroup(pid);
    // The watchdog, whose pipe ends with this process, takes whatever had left its group.
    process.exit(code);
  };
  process.once('SIGINT', () => stop(130));
  process.once('SIGTERM', () => stop(143));
  process.once('SIGHUP', () => stop(129));
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && stop(1), 500).unref();

  const waiting = files.map((path, index) => ({ path, mark: `${mark}${index}-` }));
  const finished: FinishedFile[] = [];
  const runNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      let pid = 0;
      const onStart = (started: number): void => void running.add((pid = started));
      const file = await runTestFile(next.path, next.mark, join(folder, next.mark), onStart);
      running.delete(pid);
      finished.push(file);
      print(file);
    }
  };
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, runNext));
  watchdog.stdin.end();
  await watchdogEnded;
  return summarize(finished);
}

function print(file: FinishedFile): void {
  const verdict = file.failures.length === 0 ? 'ok' : 'FAILED';
  const seconds = (file.durationMs / 1000).toFixed(1);
  const skipped = file.skipped.length > 0 ? `${file.skipped.length} skipped, ` : '';
  const counts = `${file.passed.length} passed, ${skipped}${file.failures.length} failed`;
  const output = file.output.trim() === '' ? '' : `${file.output.trimEnd()}\n`;
  process.stdout.write(`\n── ${relative(projectRoot, file.path)}: ${verdict} (${counts}, ${seconds} s)\n${output}`);
}

function summarize(finished: readonly FinishedFile[]): number {
  const lines: string[] = [];
  const skipped: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const file of finished) {
    passed += file.passed.length;
    failed += file.failures.length;
    for (const { id, reason } of file.skipped)
      skipped.push(`– ${relative(projectRoot, file.path)}: ${id}: ${reason}\n`);
    for (const failure of file.failures) {
      lines.push(
        `✘ ${relative(projectRoot, file.path)}: ${failure.id}\n    ${failure.error.replaceAll('\n', '\n    ')}\n`,
      );
    }
  }
  if (skipped.length > 0) process.stdout.write(`\nSkipped:\n${skipped.join('')}`);
  if (lines.length > 0) process.stdout.write(`\nFailures:\n${lines.join('')}`);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n\n0 passed, 1 failed\n`);
  return 1;
});
