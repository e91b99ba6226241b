/**
 * Whether the log has more of the documents people are in than this process was told. G5: a lost last message of NATS
 * has no successor that would show the hole. So their versions are compared with the stored heads, a hundred at a time,
 * and now and then the log itself is looked at, since a head may be missing what its writer died over. Without NATS the
 * log is all that tells of others' changes. G7: only so many looks in a round, those looked at longest ago first: a query
 * for each of a thousand documents at once would hold up everybody.
 */
import {
  IN_LIST_IDS_MAX,
  LIVE_COMPARE_MS,
  LIVE_LOOK_DISCONNECTED_MS,
  LIVE_LOOK_MS,
  LIVE_LOOKS_DISCONNECTED_PER_ROUND_MAX,
  LIVE_LOOKS_PER_ROUND_MAX,
} from '../../limits.ts';
import type { BlobHeads } from '../../storage/blobs.ts';
import type { LiveChannel } from '../contract.ts';
import type { Room } from './room.ts';
import type { RoomState } from '../memory/room-state.ts';

export interface Followed {
  readonly room: Pick<Room, 'wonAt' | 'refresh'> & { readonly state: Pick<RoomState, 'blobId' | 'version'> };
  /** When it was loaded, or the log was last looked at for it. */
  lookedAt: number;
  /** When its version was last compared with its head. */
  comparedAt: number;
}

export class LogLooks {
  readonly #heads: Pick<BlobHeads, 'versions'>;
  readonly #live: Pick<LiveChannel, 'healthy'>;
  #comparing: Promise<void> | undefined;

  constructor(options: { readonly heads: Pick<BlobHeads, 'versions'>; readonly live: Pick<LiveChannel, 'healthy'> }) {
    this.#heads = options.heads;
    this.#live = options.live;
  }

  /** `followed`: the documents people are in. To be called every LIVE_LOOK_DISCONNECTED_MS. */
  round(followed: readonly Followed[], nowMs: number): void {
    const isHealthy = this.#live.healthy;
    const lookMs = isHealthy ? LIVE_LOOK_MS : LIVE_LOOK_DISCONNECTED_MS;
    const looksMax = isHealthy ? LIVE_LOOKS_PER_ROUND_MAX : LIVE_LOOKS_DISCONNECTED_PER_ROUND_MAX;
    const due = followed.filter((one) => nowMs - lastLookAt(one) >= lookMs);
    due.sort((a, b) => lastLookAt(a) - lastLookAt(b));
    for (const one of due.slice(0, looksMax)) {
      one.lookedAt = nowMs;
      one.room.refresh().catch(() => undefined);
    }
    if (!isHealthy || this.#comparing) return;
    const compared = followed.filter((one) => nowMs - Math.max(one.comparedAt, lastLookAt(one)) >= LIVE_COMPARE_MS);
    for (const one of compared) one.comparedAt = nowMs;
    this.#comparing = this.#compare(compared)
      .catch(() => undefined)
      .finally(() => (this.#comparing = undefined));
  }

  async #compare(compared: readonly Followed[]): Promise<void> {
    for (let at = 0; at < compared.length; at += IN_LIST_IDS_MAX) {
      const rooms = compared.slice(at, at + IN_LIST_IDS_MAX).map(({ room }) => room);
      const versions = await this.#heads.versions(rooms.map(({ state }) => state.blobId));
      for (const room of rooms) {
        if ((versions.get(room.state.blobId) ?? 0) > room.state.version) room.refresh().catch(() => undefined);
      }
    }
  }
}

/** To have won a slot is to have looked. */
function lastLookAt({ lookedAt, room }: Followed): number {
  return Math.max(lookedAt, room.wonAt);
}
