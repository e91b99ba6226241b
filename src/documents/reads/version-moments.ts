/** Which version a blob had at a moment. */
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Room } from '../rooms/room.ts';

export class VersionMoments {
  readonly #log: CommitLog;

  constructor(log: CommitLog) {
    this.#log = log;
  }

  /**
   * A version that was applied at or before `ms` and is followed by none, or by one applied after; 0 when the first was
   * applied after. It is the only such one while times ascend with versions. They are those of the processes that
   * committed, so where clocks differ there may be several within that difference: then it is one of them. Versions that
   * retention dropped are passed over.
   */
  async lastAtOrBefore(room: Room, ms: number): Promise<number> {
    const { blobId, newestDelta } = room.state;
    let low = 0;
    let high = room.state.version + 1;
    if (newestDelta && newestDelta.appliedAt.getTime() <= ms) return newestDelta.toVersion;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const held = await this.#log.momentAt(blobId, middle);
      // Where retention dropped the middle, what follows it tells which way to go.
      const moment = held ?? (await this.#log.momentAfter(blobId, middle));
      if (moment && moment.firstSeq < high && moment.appliedAt.getTime() <= ms)
        low = Math.min(moment.lastSeq, high - 1);
      else high = held ? Math.max(held.firstSeq, low + 1) : middle;
    }
    return low;
  }
}
