/** Names that people give to versions. */
import { blobDeleted } from '../../domain/access/access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../../domain/page-token.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { isThinned, versionThinned } from '../../domain/retention.ts';
import { StudioError } from '../../errors.ts';
import { NAMED_VERSIONS_PER_BLOB_MAX } from '../../limits.ts';
import type { NamedVersions } from '../../storage/named-versions.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { NamedVersion } from '../contract.ts';
import { type ReadableBlobs, requireVersion } from '../rooms/readable.ts';
import type { Room } from '../rooms/room.ts';

export class VersionNames {
  readonly #blobs: ReadableBlobs;
  readonly #named: NamedVersions;
  readonly #tombstones: Tombstones;

  constructor(options: {
    readonly blobs: ReadableBlobs;
    readonly named: NamedVersions;
    readonly tombstones: Tombstones;
  }) {
    this.#blobs = options.blobs;
    this.#named = options.named;
    this.#tombstones = options.tombstones;
  }

  /**
   * In place of the name it had. Throws VERSION_NAME_TAKEN if another version of the blob has it, VERSION_THINNED for one
   * that retention dropped: no name would bring it back.
   */
  async nameVersion(caller: Caller, blobId: string, version: number, name: string): Promise<NamedVersion> {
    return this.#writable(caller, blobId, async (room) => {
      requireVersion(room, version);
      const holder = await this.#named.byName(blobId, name);
      if (holder?.version === version) return holder;
      if (holder) throw nameTaken(blobId, name);
      if ((await this.#named.count(blobId)) >= NAMED_VERSIONS_PER_BLOB_MAX && !(await this.#hasName(blobId, version))) {
        throw new StudioError('LIMIT_EXCEEDED', `A blob may have ${NAMED_VERSIONS_PER_BLOB_MAX} named versions.`, {
          limit: 'NAMED_VERSIONS_PER_BLOB_MAX',
        });
      }
      const named: NamedVersion = { blobId, version, name, userId: caller.userId, namedAt: new Date() };
      // Another process may have given the name away since: the index decides.
      if (!(await this.#named.put(named))) throw nameTaken(blobId, name);
      // Afterwards: retention that has not seen the name has announced itself before.
      const dropped = (await this.#tombstones.list(blobId)).find((range) => isThinned(range, version));
      if (!dropped) return named;
      await this.#named.remove(blobId, version);
      throw versionThinned(blobId, version, dropped);
    });
  }

  async unnameVersion(caller: Caller, blobId: string, version: number): Promise<void> {
    await this.#writable(caller, blobId, async (room) => {
      requireVersion(room, version);
      await this.#named.remove(blobId, version);
    });
  }

  async listNamedVersions(caller: Caller, blobId: string, page: PageRequest): Promise<Page<NamedVersion>> {
    return this.#blobs.with(caller, blobId, async () => {
      const query = { blobId, of: 'named versions' };
      const size = effectivePageSize(page.pageSize);
      const position = decodePageToken(query, page.pageToken);
      const below = typeof position === 'number' ? position : Number.MAX_SAFE_INTEGER;
      const rest = (await this.#named.versionsOf(blobId)).filter(({ version }) => version < below);
      const items = rest.slice(0, size);
      return { items, nextPageToken: rest.length > size ? encodePageToken(query, items.at(-1)?.version) : '' };
    });
  }

  async #hasName(blobId: string, version: number): Promise<boolean> {
    return (await this.#named.versionsOf(blobId)).some((named) => named.version === version);
  }

  async #writable<T>(caller: Caller, blobId: string, write: (room: Room) => Promise<T>): Promise<T> {
    return this.#blobs.with(
      caller,
      blobId,
      async (room) => {
        if (room.state.facts.deletedAt) throw blobDeleted(blobId);
        return write(room);
      },
      'write',
    );
  }
}

function nameTaken(blobId: string, name: string): StudioError {
  return new StudioError('VERSION_NAME_TAKEN', `Another version of blob "${blobId}" has that name.`, {
    blob_id: blobId,
    name,
  });
}
