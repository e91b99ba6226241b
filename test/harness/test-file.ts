/** Runs one test file in a process group of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { killGroup, killLeftovers } from './leftovers.ts';
import { FILE_OUTPUT_BYTES_MAX, FILE_TIMEOUT_MS, LEFTOVER_GRACE_MS, limitFromEnvironment } from './limits.ts';
import { readReport, REPORT_VARIABLE, type FileResult } from './report.ts';

export interface FinishedFile extends FileResult {
  readonly path: string;
  readonly output: string;
  readonly durationMs: number;
}

/** `folder` is the file's own; its path contains `mark`. */
export async function runTestFile(
  path: string,
  mark: string,
  folder: string,
  onStart: (pid: number) => void,
): Promise<FinishedFile> {
  const startedAt = performance.now();
  const reportPath = join(folder, 'report.jsonl');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const child = spawn(process.execPath, ['--import', 'tsx', path], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [REPORT_VARIABLE]: reportPath, STUDIO_TEST_MARK: mark, TMPDIR: temporary },
  });
  const output = new BoundedOutput();
  child.stdout.on('data', (chunk: Buffer) => output.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.add(chunk));
  if (child.pid !== undefined) onStart(child.pid);

  const extra: { id: string; error: string }[] = [];
  const timeoutMs = limitFromEnvironment('STUDIO_TEST_FILE_TIMEOUT_MS', FILE_TIMEOUT_MS);
  const timer = setTimeout(() => {
    extra.push({ id: '(file)', error: `The file did not end within ${timeoutMs} ms and was killed.` });
    killGroup(child.pid);
  }, timeoutMs);
  const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null; error?: Error }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
  });
  clearTimeout(timer);

  for (const left of await killLeftovers(mark, LEFTOVER_GRACE_MS)) {
    extra.push({ id: '(file)', error: `It left a process behind: ${left.pid} ${left.command}` });
  }
  const result = readReport(reportPath);
  if (ended.error) extra.push({ id: '(file)', error: `It could not be started: ${ended.error.message}` });
  else if (ended.code !== 0 && result.failures.length === 0 && extra.length === 0) {
    extra.push({
      id: '(file)',
      error: `It ended with ${ended.signal ?? `exit code ${ended.code}`} though no test failed.`,
    });
  }
  child.stdout.destroy();
  child.stderr.destroy();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return {
    path,
    passed: result.passed,
    skipped: result.skipped,
    failures: [...result.failures, ...extra],
    output: output.text(),
    durationMs: performance.now() - startedAt,
  };
}

/** Keeps the newest bytes: of a flood, the end tells more. */
class BoundedOutput {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #dropped = false;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > FILE_OUTPUT_BYTES_MAX && this.#chunks.length > 1) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
      this.#dropped = true;
    }
  }

  text(): string {
    return `${this.#dropped ? '(earlier output dropped)\n' : ''}${Buffer.concat(this.#chunks).toString('utf8')}`;
  }
}
