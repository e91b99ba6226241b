/** Which version a blob had at a moment. */
import { amongDropped, type MomentAmongDropped } from '../../domain/retention.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { Room } from '../rooms/room.ts';

export class VersionMoments {
  readonly #log: CommitLog;
  readonly #tombstones: Tombstones;

  constructor(options: { readonly log: CommitLog; readonly tombstones: Tombstones }) {
    this.#log = options.log;
    this.#tombstones = options.tombstones;
  }

  /**
   * A version that was applied at or before `ms` and is followed by none, or by one applied after; 0 when the first was
   * applied after. It is the only such one while times ascend with versions. They are those of the processes that
   * committed, so where clocks differ there may be several within that difference: then it is one of them. Where it is
   * one that retention dropped, the answer says so.
   */
  async lastAtOrBefore(room: Room, ms: number): Promise<MomentAmongDropped> {
    const { blobId, newestDelta } = room.state;
    if (newestDelta && newestDelta.appliedAt.getTime() <= ms) return { version: newestDelta.toVersion };
    const version = await this.#lastInLog(room, ms);
    // Afterwards: what was dropped while the log was read is told of by now. Of what may be called off nothing is gone.
    const dropped = (await this.#tombstones.list(blobId)).filter(({ isCertain }) => isCertain);
    return amongDropped(dropped, version, ms);
  }

  /** Versions that are not in the log are passed over. */
  async #lastInLog(room: Room, ms: number): Promise<number> {
    const { blobId } = room.state;
    let low = 0;
    let high = room.state.version + 1;
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
