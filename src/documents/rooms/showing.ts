/** What the sessions of a blob are shown of a flush that is in. */
import type { Commit } from '../../domain/delta.ts';
import { SHOWN_APART_SENDS_MAX } from '../../limits.ts';
import type { Prepared } from '../commits/batch.ts';
import type { Shown } from './sessions.ts';

/**
 * Where few are in the document, each delta's own bytes, to all but who pushed it: two who type at once each get what
 * the other typed, and nothing is encoded anew. Undefined where that would be too many messages, or a version would take
 * more than one: who has seen a version has seen all of it.
 */
export function shownApart({ authors }: Prepared, { deltas }: Commit, sessions: number): Shown[] | undefined {
  if ((deltas.length - 1) * sessions > SHOWN_APART_SENDS_MAX) return undefined;
  const shown: Shown[] = [];
  for (const [index, { updates, toVersion }] of deltas.entries()) {
    const [update] = updates;
    if (updates.length > 1) return undefined;
    if (update) shown.push({ update, version: toVersion, except: authors[index] });
  }
  return shown;
}

/** Otherwise one update for all. `update`: what the flush brought; undefined if that is nothing. */
export function shownAsOne({ authors }: Prepared, commit: Commit, update: Uint8Array | undefined): Shown[] {
  if (!update) return [];
  const [sole] = authors;
  const except = authors.every((author) => author === sole) ? sole : undefined;
  return [{ update, version: commit.lastSeq, except }];
}
