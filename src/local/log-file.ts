import { copyFileSync, mkdirSync, openSync, closeSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LOG_CHECK_EVERY_MS, PART_LOG_BYTES_MAX } from '../limits.ts';

export interface LogFile {
  readonly path: string;
  /** For a child's stdout and stderr; opened for appending. */
  readonly descriptor: number;
  /** Stops the check of its size and closes our descriptor. */
  close(): void;
}

/** `<dataDir>/logs/<name>.log`, kept below PART_LOG_BYTES_MAX. */
export function openLog(dataDir: string, name: string): LogFile {
  const path = logPath(dataDir, name);
  mkdirSync(dirname(path), { recursive: true });
  shorten(path);
  const descriptor = openSync(path, 'a', 0o600);
  const timer = setInterval(() => shorten(path), LOG_CHECK_EVERY_MS);
  timer.unref();
  return {
    path,
    descriptor,
    close: () => {
      clearInterval(timer);
      closeSync(descriptor);
    },
  };
}

export function logPath(dataDir: string, name: string): string {
  return join(dataDir, 'logs', `${name}.log`);
}

export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** What was written after the first `from` bytes. */
export function textAfter(path: string, from: number): string {
  try {
    return readFileSync(path).subarray(from).toString('utf8');
  } catch {
    return '';
  }
}

/** A child appends wherever the end is, so its file can be emptied under it; a line written in between is lost. */
function shorten(path: string): void {
  if (logSize(path) <= PART_LOG_BYTES_MAX) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}
