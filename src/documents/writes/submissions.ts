/** What all writes have in common: how a request becomes an intent of its room, and its outcome an answer. */
import { etagMismatch, storageUnavailable } from '../../domain/access/access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { contentHash } from '../../domain/content/canonical.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { contentTooLarge } from '../../domain/content/size.ts';
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX } from '../../limits.ts';
import type { Contents } from '../../storage/contents.ts';
import type { BlobViews } from '../reads/blob-view.ts';
import type { Committed } from '../contract.ts';
import { Intent, type Settled, type Work } from '../commits/intent.ts';
import { retrying } from '../../storage/retrying.ts';
import type { Room } from '../rooms/room.ts';

export interface SubmitOptions {
  readonly requestId?: string;
  readonly causedBy?: string;
  readonly ifVersion?: number;
  readonly line?: object;
}

/** No blob that can be changed is at this version. */
export const NO_VERSION = 0;

export class Submissions {
  readonly #views: BlobViews;
  readonly #contents: Contents;

  constructor(options: { readonly views: BlobViews; readonly contents: Contents }) {
    this.#views = options.views;
    this.#contents = options.contents;
  }

  /** Bounds content; the bytes of a binary blob are stored before the commit that names them. */
  async prepareContent(contentType: string, content: Uint8Array): Promise<void> {
    if (content.byteLength > CONTENT_BYTES_MAX) {
      throw contentTooLarge();
    }
    if (shapeOf(contentType) === 'binary') await this.#store(content);
  }

  /** The bytes wait for the database as long as the commit that names them would. */
  async #store(content: Uint8Array): Promise<void> {
    await retrying(() => this.#contents.put(contentHash(content), content)).catch((error: unknown) => {
      throw storageUnavailable(error);
    });
  }

  /**
   * The version that an etag stands for, after checking that it is the current one. G4: a request that was answered once
   * has its answer whatever the etag is by now, so where there is a request id one that is not current gives NO_VERSION,
   * which any other change is refused for.
   */
  async requireEtag(room: Room, etag: string | undefined, requestId: string | undefined): Promise<number | undefined> {
    if (etag === undefined || etag === '') return undefined;
    await room.refresh();
    const blob = await this.#views.ofRoom(room);
    if (blob.etag === etag) return blob.version;
    if (requestId) return NO_VERSION;
    throw etagMismatch(blob.id);
  }

  intent(caller: Caller, work: Work, bytes: number, options: SubmitOptions): Intent {
    return new Intent({
      userId: caller.userId,
      providerId: caller.providerId,
      work,
      bytes,
      requestId: options.requestId || undefined,
      causedBy: options.causedBy || undefined,
      ifVersion: options.ifVersion,
      line: options.line,
    });
  }

  /**
   * What of the blob is not in its log is read while the change commits: whoever changes that meanwhile does so at the
   * same time as the caller. `ageMsMax`: it may have been read that long ago.
   */
  async committed(room: Room, settling: Promise<Settled>, ageMsMax = 0): Promise<Committed> {
    const asked = room.state.version > 0 ? this.#views.ask(room, ageMsMax) : undefined;
    const settled = await settling;
    const blob = await this.#views.ofChanged(room, asked);
    const delta = settled.delta ?? (await room.newestDelta());
    if (!delta) throw new StudioError('INTERNAL', `Blob "${blob.id}" has no newest delta.`);
    return { blob, delta };
  }
}
