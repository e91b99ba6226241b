/** The log read strictly: every seq of a range, in order, or an error that says which one is not there. */
import type { Commit } from '../../domain/delta.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Database } from '../../storage/database.ts';
import { BrokenHistory } from './quarantine.ts';

/** The log lacks this seq: dropped by retention, perhaps a moment ago, or lost. */
export class LogGap extends Error {
  readonly seq: number;

  constructor(seq: number) {
    super(`the log lacks delta ${seq}`);
    this.seq = seq;
  }
}

/**
 * Deltas first..last as commits cut to that range, a page at a time. `last` may lie beyond the end only when it is
 * MAX_SAFE_INTEGER. Throws LogGap, and BrokenHistory where two commits hold one seq.
 */
export async function* readStrictly(
  log: CommitLog,
  blobId: string,
  first: number,
  last: number,
  startsCommit?: boolean,
): AsyncGenerator<Commit[]> {
  let next = first;
  let isFirst = true;
  for await (const page of log.readPages(blobId, first, last, startsCommit)) {
    const commits: Commit[] = [];
    for (const commit of page) {
      // Only the first may start below what is asked for.
      if (!isFirst && commit.firstSeq < next) throw new BrokenHistory(`two commits hold delta ${commit.firstSeq}`);
      isFirst = false;
      const cut = cutCommit(commit, next, last);
      if (!cut) continue;
      if (cut.firstSeq !== next) throw new LogGap(next);
      commits.push(cut);
      next = cut.lastSeq + 1;
    }
    if (commits.length > 0) yield commits;
  }
  if (last !== Number.MAX_SAFE_INTEGER && next <= last) throw new LogGap(next);
}

/** What the log has beyond a state, a page at a time. The state takes each in before the next is read. */
export async function* readDurableTail(
  { log, database }: { readonly log: CommitLog; readonly database: Database },
  state: { readonly blobId: string; readonly version: number },
): AsyncGenerator<readonly Commit[]> {
  for (let isAll = false; !isAll;) {
    const tail = await log.readTail(state.blobId, state.version);
    if (tail.commits.length === 0) return;
    // Read is not durable: another process's insert may not be journaled yet, and nothing is shown before it is.
    await database.fence();
    yield tail.commits;
    ({ isAll } = tail);
  }
}

/** What of a commit lies in first..last. */
export function cutCommit(commit: Commit, first: number, last: number): Commit | undefined {
  if (commit.firstSeq >= first && commit.lastSeq <= last) return commit;
  const deltas = commit.deltas.filter((delta) => delta.toVersion >= first && delta.toVersion <= last);
  const start = deltas[0]?.toVersion;
  return start === undefined ? undefined : { ...commit, deltas, firstSeq: start, lastSeq: start + deltas.length - 1 };
}
