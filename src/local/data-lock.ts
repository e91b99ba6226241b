/**
 * One process at a time uses a data folder. The lock is the highest-numbered file in `<dataDir>/lock`; it names its
 * owner. Taking it means creating the next number, which only one process can do (link fails if the name exists), and
 * numbers are never used again, because the last file stays when the lock is released.
 */
import { linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './json-file.ts';
import { LocalFailure } from './local-failure.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

interface LockFile {
  readonly owner: ProcessIdentity | null;
  /** How many times the owner holds it: each of its parts does. */
  readonly holds: number;
}

export interface DataLock {
  release(): void;
}

/** Throws LocalFailure when another process holds it. The same process may take it several times. */
export function lockData(dataDir: string): DataLock {
  const folder = join(dataDir, 'lock');
  mkdirSync(folder, { recursive: true });
  const me = identify(process.pid);
  if (!me) throw new Error('This process cannot see when it started.');
  for (;;) {
    const number = highest(folder);
    const held = readLock(folder, number);
    if (held?.owner && isAlive(held.owner)) {
      if (held.owner.pid !== process.pid) throw inUse(dataDir, held.owner.pid);
      // Nothing else writes a file whose owner lives, and these two calls are not interrupted.
      writeJson(fileOf(folder, number), { owner: me, holds: held.holds + 1 } satisfies LockFile);
      return { release: () => release(folder, number) };
    }
    if (!create(folder, number + 1, { owner: me, holds: 1 })) continue;
    if (highest(folder) !== number + 1) {
      // Others took and released the lock since `number` was read, and cleared our number away for us to create again.
      rmSync(fileOf(folder, number + 1), { force: true });
      continue;
    }
    for (const name of readdirSync(folder)) if (numberOf(name) <= number) rmSync(join(folder, name), { force: true });
    return { release: () => release(folder, number + 1) };
  }
}

/** Who holds it now, if anyone. */
export function lockOwner(dataDir: string): ProcessIdentity | undefined {
  const folder = join(dataDir, 'lock');
  const owner = readLock(folder, highest(folder))?.owner;
  return owner && isAlive(owner) ? owner : undefined;
}

function release(folder: string, number: number): void {
  const held = readLock(folder, number);
  if (held?.owner?.pid !== process.pid) return;
  const holds = held.holds - 1;
  writeJson(fileOf(folder, number), { owner: holds > 0 ? held.owner : null, holds } satisfies LockFile);
}

function create(folder: string, number: number, content: LockFile): boolean {
  const draft = join(folder, `draft-${process.pid}`);
  writeJson(draft, content);
  try {
    linkSync(draft, fileOf(folder, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function highest(folder: string): number {
  try {
    return Math.max(0, ...readdirSync(folder).map(numberOf).filter(Number.isFinite));
  } catch {
    return 0;
  }
}

/** Infinity for what is not a lock file. */
function numberOf(name: string): number {
  return /^\d+\.json$/.test(name) ? Number.parseInt(name, 10) : Number.POSITIVE_INFINITY;
}

function readLock(folder: string, number: number): LockFile | undefined {
  return readJson(fileOf(folder, number)) as LockFile | undefined;
}

function fileOf(folder: string, number: number): string {
  return join(folder, `${number}.json`);
}

function inUse(dataDir: string, pid: number): LocalFailure {
  return new LocalFailure(
    `The data folder ${dataDir} is in use by process ${pid}.`,
    'End that one first, or set STUDIO_DATA_DIR to another folder.',
  );
}
