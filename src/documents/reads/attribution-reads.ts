/** Who wrote what of a blob's content. */
import { attribute } from '../../domain/attribution/attribute.ts';
import type { Origins } from '../../domain/attribution/origins.ts';
import type { AttributedRange, Grain } from '../../domain/attribution/ranges.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../../domain/page-token.ts';
import type { Page } from '../../domain/page.ts';
import { ATTRIBUTED_RANGES_CACHED_MAX } from '../../limits.ts';
import { deltaId } from '../../storage/log/commit-document.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Attributed, GetAttribution } from '../contract.ts';
import type { OriginIndex } from '../origins/origin-index.ts';
import type { PastVersions } from './past-versions.ts';
import { type ReadableBlobs, requireVersion } from '../rooms/readable.ts';
import { RecentlyUsed } from '../memory/recently-used.ts';
import type { Room } from '../rooms/room.ts';

export class AttributionReads {
  readonly #blobs: ReadableBlobs;
  readonly #past: PastVersions;
  readonly #origins: OriginIndex;
  readonly #log: CommitLog;
  /** What a version's content comes from never changes. */
  readonly #ranges = new RecentlyUsed<readonly AttributedRange[]>(ATTRIBUTED_RANGES_CACHED_MAX);

  constructor(options: {
    readonly blobs: ReadableBlobs;
    readonly past: PastVersions;
    readonly origins: OriginIndex;
    readonly log: CommitLog;
  }) {
    this.#blobs = options.blobs;
    this.#past = options.past;
    this.#origins = options.origins;
    this.#log = options.log;
  }

  async getAttribution(
    caller: Caller,
    request: GetAttribution,
  ): Promise<Page<Attributed> & { readonly version: number }> {
    return this.#blobs.with(caller, request.blobId, async (room) => {
      const { blobId, grain } = request;
      const query = { of: 'attribution', blobId, version: request.version, grain };
      const size = effectivePageSize(request.pageSize);
      const { version, start } = positionOf(decodePageToken(query, request.pageToken), {
        version: request.version ?? room.state.version,
        start: 0,
      });
      requireVersion(room, version);
      const origins = await this.#origins.upTo(room, version);
      const ranges = await this.#rangesAt(room, version, grain, origins);
      const items = await this.#attributed(blobId, ranges.slice(start, start + size), origins);
      const end = start + items.length;
      return { version, items, nextPageToken: end < ranges.length ? encodePageToken(query, `${version}:${end}`) : '' };
    });
  }

  async #rangesAt(room: Room, version: number, grain: Grain, origins: Origins): Promise<readonly AttributedRange[]> {
    const { blobId, genesis } = room.state;
    const key = `${blobId}@${version} ${grain}`;
    const known = this.#ranges.get(key);
    if (known) return known;
    const ranges = await this.#past.withDocument(room, version, (doc) =>
      attribute(doc, genesis.contentType, origins, grain),
    );
    this.#ranges.set(key, ranges, ranges.length + 1);
    return ranges;
  }

  async #attributed(
    blobId: string,
    ranges: readonly AttributedRange[],
    origins: Origins,
  ): Promise<readonly Attributed[]> {
    const commits = new Set(
      ranges.filter(({ version }) => version > 0).map(({ version }) => origins.commitOf(version)),
    );
    const moments = await this.#log.momentsFrom(blobId, [...commits]);
    const byFirst = new Map(moments.map((moment) => [moment.firstSeq, moment]));
    return ranges.map((range) => {
      const author = origins.authorOf(range.version);
      if (!author) return range;
      // The log no longer has the commits of what retention dropped.
      const moment = byFirst.get(origins.commitOf(range.version));
      const deltaIdOf = moment && deltaId(moment.id, range.version - moment.firstSeq);
      return { ...range, ...author, deltaId: deltaIdOf, appliedAt: origins.momentOf(range.version) };
    });
  }
}

interface Position {
  readonly version: number;
  readonly start: number;
}

/** Later pages stay at the version of the first, wherever the head is by then. */
function positionOf(decoded: string | number | undefined, first: Position): Position {
  const [, version, start] = /^(\d{1,15}):(\d{1,15})$/.exec(String(decoded)) ?? [];
  return version === undefined ? first : { version: Number(version), start: Number(start) };
}
