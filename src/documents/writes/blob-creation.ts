/** New blobs: their ids, their place among their parents, and their first delta. */
import type { AccessControl } from '../../access/contract.ts';
import { blobAlreadyExists, mayRead, parentNotFound } from '../../domain/access/access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { lineageOfBlob } from '../../domain/access/blob-access.ts';
import type { Genesis } from '../../domain/delta.ts';
import { uuidV7, uuidV8 } from '../../domain/ids.ts';
import { StudioError } from '../../errors.ts';
import { LINEAGE_DEPTH_MAX, PARENTS_MAX } from '../../limits.ts';
import type { BlobHeads } from '../../storage/blobs.ts';
import type { Committed } from '../contract.ts';
import type { HeadWriter } from '../commits/head-writer.ts';
import type { Intent } from '../commits/intent.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Submissions } from './submissions.ts';

export type GenesisRequest = Omit<Genesis, 'rootId' | 'depth'> & { readonly id: string; readonly owner: string };

export class BlobCreation {
  readonly #rooms: Rooms;
  readonly #submissions: Submissions;
  readonly #heads: BlobHeads;
  readonly #headWriter: HeadWriter;
  readonly #access: AccessControl;

  constructor(options: {
    readonly rooms: Rooms;
    readonly submissions: Submissions;
    readonly heads: BlobHeads;
    readonly headWriter: HeadWriter;
    readonly access: AccessControl;
  }) {
    this.#rooms = options.rooms;
    this.#submissions = options.submissions;
    this.#heads = options.heads;
    this.#headWriter = options.headWriter;
    this.#access = options.access;
  }

  /** Acknowledged after the head, so that lists and graphs have the blob by then. */
  async create(id: string, intent: Intent): Promise<Committed> {
    return this.#rooms.with(id, async (room) => {
      const settled = await room.submit(intent);
      await this.#headWriter.writeNow(room.state);
      return this.#submissions.committed(room, Promise.resolve(settled));
    });
  }

  /** G7: what somebody else has made is not loaded for one who names its id. Throws BLOB_ALREADY_EXISTS. */
  async requireNotOthers(id: string, owner: string): Promise<void> {
    const taken = await this.#heads.get(id);
    if (taken && taken.userId !== owner) throw blobAlreadyExists(id);
  }

  /** Of a blob that is there already, as it was made. G8: of somebody else's only that its id is taken. */
  async known(id: string, owner: string): Promise<Genesis | undefined> {
    return this.#rooms.with(id, async (room) => {
      await room.refresh();
      if (room.state.version === 0) return undefined;
      if (room.state.owner !== owner) throw blobAlreadyExists(id);
      return room.state.genesis;
    });
  }

  /** Throws PARENT_NOT_FOUND, LIMIT_EXCEEDED or LINEAGE_LIMIT. */
  async genesis({ id, owner, ...request }: GenesisRequest): Promise<Genesis> {
    if (request.parentIds.length > PARENTS_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', `A blob has at most ${PARENTS_MAX} parents.`, { limit: 'PARENTS_MAX' });
    }
    const parentIds = [...new Set(request.parentIds)];
    const parents = await this.#heads.getMany(parentIds);
    const access = await this.#access.many(parents.map(lineageOfBlob));
    for (const parentId of parentIds) {
      const parent = access.get(parentId);
      if (!parent || !mayRead({ userId: owner }, parent)) throw parentNotFound(parentId);
    }
    const primary = parents.find((blob) => blob.id === parentIds[0]);
    const depth = primary ? primary.depth + 1 : 0;
    if (depth > LINEAGE_DEPTH_MAX) {
      throw new StudioError('LINEAGE_LIMIT', `A lineage is at most ${LINEAGE_DEPTH_MAX} deep.`, {
        limit: 'LINEAGE_DEPTH_MAX',
      });
    }
    return { ...request, parentIds, rootId: primary?.rootId ?? id, depth };
  }
}

/** G4: a repeat of a create that named no id must find the blob it made the first time. */
export function newBlobId(caller: Caller, requestId: string | undefined): string {
  return requestId ? uuidV8('blob', caller.userId, requestId) : uuidV7();
}
