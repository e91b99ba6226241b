/** What a delta says of itself beside its updates: whether it can be so at all. */
import type { Delta, SeqRange } from '../../domain/delta.ts';
import { AUDIT_COMMITS_REMEMBERED_MAX, CHAIN_DELTAS_MAX } from '../../limits.ts';

export class DeltaFields {
  /** By commit id, its first seq. */
  readonly #commits = new Map<string, number>();
  /** Every delta before the one looked at is in one of them. */
  #knowsAll = true;

  /** The commit whose deltas follow. */
  begin(id: string, firstSeq: number): void {
    if (this.#commits.size < AUDIT_COMMITS_REMEMBERED_MAX) this.#commits.set(id, firstSeq);
    else this.#knowsAll = false;
  }

  /** Retention dropped some: what names one of them is right. */
  jump(): void {
    this.#knowsAll = false;
  }

  /** Each a part of a sentence. */
  problems({ toVersion, base, chainLength, previousDelta, reverts, patch, createdAt, appliedAt }: Delta): string[] {
    const found: string[] = [];
    if (!isDate(appliedAt)) found.push('its time of commit is none');
    if (!isDate(createdAt)) found.push('its time of arrival is none');
    if (!isSeq(base.fromVersion, 0, toVersion - 1) || !areAbove(base.fromVersion, base.extras, toVersion))
      found.push('its base is none below it');
    if (!isSeq(chainLength, 1, CHAIN_DELTAS_MAX)) found.push('its chain has no such length');
    if (!isSeq(patch.bytes, 0, Number.MAX_SAFE_INTEGER)) found.push('its patch has no such size');
    if (patch.hash !== undefined && !/^[0-9a-f]{64}$/.test(patch.hash)) found.push('the hash of its patch is none');
    if (previousDelta !== undefined && !this.#isBefore(previousDelta, toVersion))
      found.push('the delta before it in its chain is not in the log below it');
    if (reverts !== undefined && !(Array.isArray(reverts) && reverts.every((id) => this.#isBefore(id, toVersion))))
      found.push('what it reverts is not in the log below it');
    return found;
  }

  #isBefore(id: unknown, toVersion: number): boolean {
    if (typeof id !== 'string') return false;
    const end = id.lastIndexOf('-');
    const firstSeq = this.#commits.get(id.slice(0, end));
    return firstSeq === undefined ? !this.#knowsAll : firstSeq + Number(id.slice(end + 1)) < toVersion;
  }
}

function isDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

function isSeq(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && min <= value && value <= max;
}

/** Ascending ranges, all between the two. */
function areAbove(fromVersion: number, extras: readonly SeqRange[], toVersion: number): boolean {
  let above = fromVersion;
  return extras.every(({ first, last }) => {
    const isRight = isSeq(first, above + 1, last) && isSeq(last, first, toVersion - 1);
    above = last;
    return isRight;
  });
}
