/**
 * How a test file tells the runner what became of its tests: JSON lines appended to a file, written synchronously, so
 * that whatever ends the process, what happened before is on record.
 */
import { appendFileSync, readFileSync } from 'node:fs';

export const REPORT_VARIABLE = 'STUDIO_TEST_REPORT';

export type ReportLine =
  | { readonly kind: 'registered'; readonly id: string }
  | { readonly kind: 'passed'; readonly id: string }
  | { readonly kind: 'skipped'; readonly id: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly id: string; readonly error: string };

export interface FileResult {
  readonly passed: readonly string[];
  /** They found that what they need is not on this machine: neither passed nor failed. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
  readonly failures: readonly { readonly id: string; readonly error: string }[];
}

export function report(line: ReportLine): void {
  const path = process.env[REPORT_VARIABLE];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(line)}\n`);
}

/** What was registered and never settled counts as failed; so does a file that registered nothing. */
export function readReport(path: string): FileResult {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Nothing was ever written: treated below like a file without tests.
  }
  const registered = new Set<string>();
  const passed = new Set<string>();
  const skipped: { id: string; reason: string }[] = [];
  const failures: { id: string; error: string }[] = [];
  for (const raw of text.split('\n').filter(Boolean)) {
    const line = JSON.parse(raw) as ReportLine;
    if (line.kind === 'registered') registered.add(line.id);
    else if (line.kind === 'passed') passed.add(line.id);
    else if (line.kind === 'skipped') skipped.push({ id: line.id, reason: line.reason });
    else failures.push({ id: line.id, error: line.error });
  }
  const failed = new Set(failures.map((failure) => failure.id));
  const settled = new Set([...passed, ...failed, ...skipped.map(({ id }) => id)]);
  for (const id of registered) {
    if (!settled.has(id)) failures.push({ id, error: 'It was registered and never settled.' });
  }
  if (registered.size === 0) failures.push({ id: '(file)', error: 'The file registered no test.' });
  return { passed: [...passed].filter((id) => !failed.has(id)), skipped, failures };
}
