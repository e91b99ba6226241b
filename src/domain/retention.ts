/** What a retention rule drops of a log. Pure, so that a preview tells exactly what applying it does. */
import { StudioError } from '../errors.ts';
import type { SeqRange } from './delta.ts';

export interface RetentionRule {
  /** Milliseconds; younger history is kept whole. */
  readonly thinAfterMs: number;
  /** Keep the last version of each day (UTC) beside the named versions. */
  readonly keepDaily: boolean;
}

export interface RetentionPolicy extends RetentionRule {
  readonly setBy: string;
  readonly setAt: Date;
}

export interface DroppedRange extends SeqRange {
  readonly commits: number;
  readonly bytes: number;
}

/** When the first and the last of a range's versions were applied. */
export interface RangeTimes {
  readonly firstAppliedAt: Date;
  readonly lastAppliedAt: Date;
}

export interface PlannedRange extends DroppedRange, RangeTimes {}

/** What of a commit the plan goes by. */
export interface CommitSummary extends SeqRange {
  readonly appliedAt: Date;
  readonly bytes: number;
}

/**
 * Fed with a log's commits in order; a commit is dropped whole or not at all. Kept are delta 1 (what the blob is), the
 * newest commit, everything from the first commit on that is young enough, and commits that hold a version to be kept.
 * Version `last` of a dropped range stays readable: a state is left there, from which later ones are read.
 */
export class RetentionPlan {
  readonly #rule: RetentionRule;
  readonly #cutoff: number;
  readonly #named: readonly number[];
  readonly #ranges: PlannedRange[] = [];
  /** Decided by the one after it: only then is it known whether it was the last of its day, or of all. */
  #waiting: CommitSummary | undefined;
  #isYoung = false;

  constructor(rule: RetentionRule, now: Date, namedVersions: readonly number[]) {
    this.#rule = rule;
    this.#cutoff = now.getTime() - rule.thinAfterMs;
    this.#named = namedVersions;
  }

  /** False: nothing after it will be dropped. */
  add(commit: CommitSummary): boolean {
    const previous = this.#waiting;
    this.#waiting = commit;
    if (previous && !this.#isKept(previous, commit)) this.#drop(previous);
    // Clocks of several processes may differ: once young, all that follows counts as young.
    this.#isYoung ||= commit.appliedAt.getTime() >= this.#cutoff;
    return !this.#isYoung;
  }

  /** Ascending, as far as the plan was fed. */
  get ranges(): readonly PlannedRange[] {
    return this.#ranges;
  }

  #isKept(commit: CommitSummary, next: CommitSummary): boolean {
    if (commit.first === 1) return true;
    if (this.#named.some((version) => commit.first <= version && version <= commit.last)) return true;
    return this.#rule.keepDaily && dayOf(commit.appliedAt) !== dayOf(next.appliedAt);
  }

  #drop({ first, last, bytes, appliedAt }: CommitSummary): void {
    const before = this.#ranges.at(-1);
    if (before && before.last + 1 === first) {
      this.#ranges[this.#ranges.length - 1] = {
        ...before,
        last,
        commits: before.commits + 1,
        bytes: before.bytes + bytes,
        lastAppliedAt: appliedAt,
      };
    } else this.#ranges.push({ first, last, commits: 1, bytes, firstAppliedAt: appliedAt, lastAppliedAt: appliedAt });
  }
}

function dayOf(date: Date): number {
  return Math.floor(date.getTime() / 86_400_000);
}

/** The last version of a dropped range can be read, from the state that is left there. */
export function isThinned(dropped: SeqRange, version: number): boolean {
  return dropped.first <= version && version < dropped.last;
}

/** What a moment was asked for after which only versions of one of these ranges were applied, or none. */
export interface MomentAmongDropped {
  /** The last version that is known to have been applied at or before it. */
  readonly version: number;
  /** What was applied last then is one of these, of which only the last is left, if not `version`. */
  readonly thinned?: SeqRange;
}

/**
 * `version` is the last that is left in the log of those applied at or before `ms`; what of the ranges (ascending) follows
 * it may have been applied by then too. Ranges dropped by older releases have no times.
 */
export function amongDropped(
  dropped: readonly (SeqRange & Partial<RangeTimes>)[],
  version: number,
  ms: number,
): MomentAmongDropped {
  const holding = dropped.find((range) => isThinned(range, version));
  const before = holding ? holding.first - 1 : version;
  const following: (SeqRange & Partial<RangeTimes>)[] = [];
  for (const range of dropped) if (range.first === (following.at(-1)?.last ?? before) + 1) following.push(range);
  for (const range of following.reverse()) {
    if (range.lastAppliedAt && range.lastAppliedAt.getTime() <= ms) return { version: range.last };
    if (range.firstAppliedAt && range.firstAppliedAt.getTime() > ms) continue;
    return { version: range.first - 1, thinned: range };
  }
  return { version: before };
}

export function momentThinned(blobId: string, at: Date, dropped: SeqRange): StudioError {
  const moment = at.toISOString();
  return new StudioError('VERSION_THINNED', `What blob "${blobId}" was at ${moment} was thinned by retention.`, {
    blob_id: blobId,
    at: moment,
    kept_before: String(dropped.first - 1),
    kept_after: String(dropped.last),
  });
}

export function versionThinned(blobId: string, version: number, dropped: SeqRange): StudioError {
  return new StudioError('VERSION_THINNED', `Version ${version} of blob "${blobId}" was thinned by retention.`, {
    blob_id: blobId,
    version: String(version),
    kept_before: String(dropped.first - 1),
    kept_after: String(dropped.last),
  });
}
