/** G7: commits with their events, as many at a time as may be on their way to the stream together. */
import type { CommitOutline } from '../domain/commit-outline.ts';
import { PUBLISHES_IN_FLIGHT_MAX } from '../limits.ts';
import { addEvents } from './cloud-events.ts';
import type { StudioEvent } from './contract.ts';

export interface EventSlice {
  readonly commits: readonly CommitOutline[];
  readonly events: readonly StudioEvent[];
}

/** Each tells of the update. A commit alone never has more than the limit. */
export function* slicesOf(commits: readonly CommitOutline[]): Generator<EventSlice> {
  let slice: { commits: CommitOutline[]; events: StudioEvent[] } = { commits: [], events: [] };
  for (const commit of commits) {
    const own: StudioEvent[] = [];
    addEvents(own, commit, { tellsUpdate: true });
    if (slice.commits.length > 0 && slice.events.length + own.length > PUBLISHES_IN_FLIGHT_MAX) {
      yield slice;
      slice = { commits: [], events: [] };
    }
    slice.commits.push(commit);
    for (const event of own) slice.events.push(event);
  }
  if (slice.commits.length > 0) yield slice;
}
