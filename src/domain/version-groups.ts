import type { Delta, Operation } from './delta.ts';

/** A run of deltas that a person would call one version. */
interface Group {
  version: number;
  firstVersion: number;
  userId: string;
  providerId?: string;
  operation: Operation;
  deltaCount: number;
  startedAt: Date;
  endedAt: Date;
}

/** Longer than this without a keystroke, and the next one starts a new version. */
const PAUSE_MS = 5 * 60 * 1000;

/** Groups deltas, newest first, by author, operation and pause. */
export function groupVersions(deltas: readonly Delta[]): Group[] {
  const groups: Group[] = [];
  for (const delta of deltas) {
    const newer = groups.at(-1);
    if (newer && continues(newer, delta)) {
      newer.firstVersion = delta.toVersion;
      newer.deltaCount += 1;
      newer.startedAt = delta.createdAt;
      continue;
    }
    groups.push({
      version: delta.toVersion,
      firstVersion: delta.toVersion,
      userId: delta.userId,
      providerId: delta.providerId,
      operation: delta.operation,
      deltaCount: 1,
      startedAt: delta.createdAt,
      endedAt: delta.createdAt,
    });
  }
  return groups;
}

function continues(newer: Group, older: Delta): boolean {
  return (
    newer.operation === 'update' &&
    older.operation === 'update' &&
    newer.userId === older.userId &&
    newer.providerId === older.providerId &&
    newer.startedAt.getTime() - older.createdAt.getTime() <= PAUSE_MS
  );
}
