/** Of what an update deletes, that which is not deleted yet: a client that comes back sends its whole delete set. */
import { StudioError } from '../../errors.ts';
import { aliveRanges, type Known } from './known.ts';
import type { DeleteRange, Section, Update } from './update.ts';

/**
 * Throws UPDATE_DELETES_UNKNOWN for clocks that neither the server nor the update has: such a deletion would wait, and
 * silently delete what its victim types later. `areAll`: every range is new, whole.
 */
export function newDeletions(
  update: Update,
  fresh: readonly Section[],
  known: Known,
): { deletes: readonly DeleteRange[]; areAll: boolean } {
  if (update.deletes.length === 0) return { deletes: [], areAll: true };
  const sections = new Map(fresh.map((section) => [section.client, section]));
  const deletes: DeleteRange[] = [];
  let areAll = true;
  const ranges = apart(update.deletes);
  if (ranges !== update.deletes) areAll = false;
  for (const range of ranges) {
    const section = sections.get(range.client);
    const clock = known.clock(range.client);
    const end = section?.end ?? clock;
    if (range.end > end) {
      throw new StudioError('UPDATE_DELETES_UNKNOWN', 'The update deletes edits the server does not have.', {
        missing: `${range.client}:${end}`,
      });
    }
    const before = deletes.length;
    const found = (start: number, stop: number): void =>
      void deletes.push({ client: range.client, clock: start, end: stop });
    if (range.clock < clock) known.undeleted(range.client, range.clock, Math.min(range.end, clock), found);
    if (section && range.end > clock) aliveRanges(section.structs, Math.max(range.clock, clock), range.end, found);
    const added = deletes[before];
    if (deletes.length !== before + 1 || added?.clock !== range.clock || added.end !== range.end) areAll = false;
  }
  return { deletes, areAll };
}

/** Ranges that lie over each other joined, so that what they name is gone through once. Honest ones don't. */
function apart(ranges: readonly DeleteRange[]): readonly DeleteRange[] {
  if (areApart(ranges)) return ranges;
  const joined: DeleteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.client - b.client || a.clock - b.clock)) {
    const last = joined.at(-1);
    if (!last || last.client !== range.client || range.clock > last.end) joined.push(range);
    else if (range.end > last.end) joined[joined.length - 1] = { ...last, end: range.end };
  }
  return joined;
}

/** In order within each client, every client once. */
function areApart(ranges: readonly DeleteRange[]): boolean {
  if (ranges.length === 1) return true;
  const seen = new Set<number>();
  let last: DeleteRange | undefined;
  for (const range of ranges) {
    if (range.client === last?.client ? range.clock < last.end : seen.has(range.client)) return false;
    seen.add(range.client);
    last = range;
  }
  return true;
}
