/** A blob's history as a person would tell it, and any version of it. */
import type { BlobWithContent } from '../../domain/blob.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../../domain/page-token.ts';
import type { Page } from '../../domain/page.ts';
import { momentThinned } from '../../domain/retention.ts';
import { VersionGrouping, type GroupedDelta, type VersionGroup } from '../../domain/version-groups.ts';
import type { SeqRange } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import { ORIGINS_BLOCK_VERSIONS, VERSIONS_SCANNED_DELTAS_MAX } from '../../limits.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { NamedVersions } from '../../storage/named-versions.ts';
import type { ListVersions, ReadContent, VersionPoint } from '../contract.ts';
import type { OriginIndex } from '../origins/origin-index.ts';
import type { PastVersions } from './past-versions.ts';
import { type ReadableBlobs, requireVersion } from '../rooms/readable.ts';
import type { Room } from '../rooms/room.ts';
import type { VersionMoments } from './version-moments.ts';

interface Scan {
  readonly room: Room;
  /** Versions floor + 1 and up. */
  readonly floor: number;
  readonly names: ReadonlyMap<number, string>;
  readonly chooses: (delta: GroupedDelta) => boolean;
  readonly size: number;
  /** Blocks of origins outlive what retention dropped. */
  readonly dropped: readonly SeqRange[];
}

/** `next`: where to go on; `read`: how many versions were looked at. */
interface Step {
  readonly next: number;
  readonly read: number;
}

/** `rest`: where the next page begins, going down; 0 and below: there is none. */
interface Scanned {
  readonly items: readonly VersionGroup[];
  readonly rest: number;
}

export class VersionReads {
  readonly #blobs: ReadableBlobs;
  readonly #past: PastVersions;
  readonly #moments: VersionMoments;
  readonly #named: NamedVersions;
  readonly #origins: OriginIndex;
  readonly #tombstones: Tombstones;

  constructor(options: {
    readonly blobs: ReadableBlobs;
    readonly past: PastVersions;
    readonly moments: VersionMoments;
    readonly named: NamedVersions;
    readonly origins: OriginIndex;
    readonly tombstones: Tombstones;
  }) {
    this.#blobs = options.blobs;
    this.#past = options.past;
    this.#moments = options.moments;
    this.#named = options.named;
    this.#origins = options.origins;
    this.#tombstones = options.tombstones;
  }

  async getVersion(
    caller: Caller,
    blobId: string,
    point: VersionPoint,
    options: ReadContent,
  ): Promise<BlobWithContent> {
    return this.#blobs.with(caller, blobId, async (room) =>
      this.#past.blobAt(room, await this.#numberOf(room, point), options),
    );
  }

  async #numberOf(room: Room, point: VersionPoint): Promise<number> {
    const { blobId } = room.state;
    if (point.by === 'version') {
      requireVersion(room, point.version);
      return point.version;
    }
    if (point.by === 'moment') {
      const { version, thinned } = await this.#moments.lastAtOrBefore(room, point.at.getTime());
      if (thinned) throw momentThinned(blobId, point.at, thinned);
      if (version > 0) return version;
      throw new StudioError('VERSION_NOT_FOUND', `Blob "${blobId}" was created after ${point.at.toISOString()}.`, {
        blob_id: blobId,
        at: point.at.toISOString(),
      });
    }
    const named = await this.#named.byName(blobId, point.name);
    if (named) return named.version;
    throw new StudioError('VERSION_NOT_FOUND', `Blob "${blobId}" has no version of that name.`, {
      blob_id: blobId,
      name: point.name,
    });
  }

  /** Newest first. A page looks at VERSIONS_SCANNED_DELTAS_MAX deltas at the most; it may be short and not the last. */
  async listVersions(caller: Caller, request: ListVersions): Promise<Page<VersionGroup>> {
    return this.#blobs.with(caller, request.blobId, async (room) => {
      const { pageSize, pageToken, ...filter } = request;
      const query = { of: 'versions', ...filter };
      const size = effectivePageSize(pageSize);
      const position = decodePageToken(query, pageToken);
      const named = await this.#named.versionsOf(request.blobId);
      const top = filter.before
        ? (await this.#moments.lastAtOrBefore(room, filter.before.getTime() - 1)).version
        : room.state.version;
      const floor = filter.after ? (await this.#moments.lastAtOrBefore(room, filter.after.getTime() - 1)).version : 0;
      const from = typeof position === 'number' ? Math.min(position, top) : top;
      const names = new Map(named.map(({ version, name }) => [version, name]));
      const dropped = (await this.#tombstones.list(request.blobId)).filter(({ isCertain }) => isCertain);
      const scan: Scan = { room, floor, names, chooses: chooserOf(filter), size, dropped };
      const { items, rest } = filter.namedOnly ? await this.#namedOnly(scan, from) : await this.#all(scan, from);
      return { items, nextPageToken: rest > floor ? encodePageToken(query, rest) : '' };
    });
  }

  async #all(scan: Scan, from: number): Promise<Scanned> {
    const grouping = new VersionGrouping(scan.names, scan.chooses);
    let next = from;
    let scanned = 0;
    let chosen: VersionGroup[] = [];
    while (next > scan.floor && chosen.length < scan.size && scanned < VERSIONS_SCANNED_DELTAS_MAX) {
      const step = await this.#feed(grouping, scan, next);
      next = step.next;
      scanned += step.read;
      chosen = grouping
        .closed()
        .filter((closed) => closed.chosen)
        .map(({ group }) => group);
    }
    const last = chosen.length >= scan.size ? chosen[scan.size - 1] : grouping.closed().at(-1)?.group;
    // Without a group there was nothing but what retention dropped.
    return { items: chosen.slice(0, scan.size), rest: last ? last.firstVersion - 1 : next };
  }

  /** From one named version to the next: what lies between is not looked at but for where each one's group begins. */
  async #namedOnly(scan: Scan, from: number): Promise<Scanned> {
    const versions = [...scan.names.keys()].filter((version) => version > scan.floor && version <= from);
    const items: VersionGroup[] = [];
    let scanned = 0;
    for (const version of versions.sort((a, b) => b - a)) {
      if (items.length >= scan.size || scanned >= VERSIONS_SCANNED_DELTAS_MAX) return { items, rest: version };
      const grouping = new VersionGrouping(scan.names, scan.chooses);
      let next = version;
      for (let goesOn = true; goesOn && grouping.closedCount === 0 && next > scan.floor;) {
        const step = await this.#feed(grouping, scan, next);
        next = step.next;
        scanned += step.read;
        goesOn = step.read > 0;
      }
      const first = grouping.closed()[0];
      // Of the last version of a dropped range there is a name, and nothing to tell.
      if (first?.chosen && first.group.version === version) items.push(first.group);
    }
    return { items, rest: 0 };
  }

  /** Hands the versions from `last` down to the grouping, as many as one read brings; what was dropped ends its groups. */
  async #feed(grouping: VersionGrouping, { room, floor, dropped }: Scan, last: number): Promise<Step> {
    const kept = belowDropped(dropped, last);
    if (kept < last) {
      grouping.end();
      return { next: Math.max(kept, floor), read: 0 };
    }
    const facts = await this.#origins.factsBelow(room, last, floor);
    for (let index = facts.length - 1; index >= 0; index--) {
      const fact = facts[index];
      if (fact && !dropped.some((range) => range.first <= fact.toVersion && fact.toVersion <= range.last))
        grouping.add(fact);
    }
    const next = last - 1 - ((last - 1) % ORIGINS_BLOCK_VERSIONS);
    if (next <= floor) grouping.end();
    return { next: Math.max(next, floor), read: last - Math.max(next, floor) };
  }
}

/** The highest version up to `last` that is in none of the ranges. */
function belowDropped(dropped: readonly SeqRange[], last: number): number {
  const range = dropped.find(({ first, last: end }) => first <= last && last <= end);
  return range ? belowDropped(dropped, range.first - 1) : last;
}

function chooserOf(
  filter: Pick<ListVersions, 'userId' | 'providerId' | 'operations'>,
): (delta: GroupedDelta) => boolean {
  const { userId, providerId, operations } = filter;
  const wanted = new Set(operations);
  return (delta) =>
    (userId === undefined || delta.userId === userId) &&
    (providerId === undefined || delta.providerId === providerId) &&
    (wanted.size === 0 || wanted.has(delta.operation));
}
