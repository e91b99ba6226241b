/**
 * Turns the intents of one flush into one commit on the head as it now is. Nothing is applied and nothing stored: a
 * lost race prepares the same intents again, on the head that won, so that whatever was computed on the old one
 * (request ids, guards, clocks, differences) is computed anew.
 */
import type { AccessControl } from '../access/contract.ts';
import { authorize, blobNotFound, mayRead, parentNotFound, type Action } from '../domain/access.ts';
import type { BlobAccess } from '../domain/blob-access.ts';
import { chainedBase, headBase, normalizeBase } from '../domain/base.ts';
import type { Base, Delta, Operation } from '../domain/delta.ts';
import type { Guard } from '../domain/guard/guard.ts';
import { StudioError } from '../errors.ts';
import { CONTENT_BYTES_MAX } from '../limits.ts';
import { requestKey } from '../storage/commit-document.ts';
import type { CommitLog } from '../storage/commit-log.ts';
import type { Authoring } from './authoring.ts';
import { Batch, type Draft, type Prepared } from './batch.ts';
import type { EditMaker, MadeEdit } from './edit-maker.ts';
import type { Authored, Intent, Work } from './intent.ts';
import type { RoomState } from './room-state.ts';
import { storedPatch } from './stored-patch.ts';

export class Preparation {
  readonly #state: RoomState;
  readonly #guard: Guard;
  readonly #authoring: Authoring;
  readonly #edits: EditMaker;
  readonly #log: CommitLog;
  readonly #access: AccessControl;

  constructor(options: {
    readonly state: RoomState;
    readonly guard: Guard;
    readonly authoring: Authoring;
    readonly edits: EditMaker;
    readonly log: CommitLog;
    readonly access: AccessControl;
  }) {
    this.#state = options.state;
    this.#guard = options.guard;
    this.#authoring = options.authoring;
    this.#edits = options.edits;
    this.#log = options.log;
    this.#access = options.access;
  }

  async prepare(intents: readonly Intent[]): Promise<Prepared> {
    await this.#recallRequests(intents);
    const batch = new Batch(this.#state);
    // G8: as it is now, whatever was decided when the change was taken in. Edits wait for that as they do for their commit.
    const { blobId, version } = this.#state;
    const settle = async (): Promise<BlobAccess | undefined> =>
      version > 0 ? this.#access.settled(this.#state.lineage) : undefined;
    const access = this.#access.known(blobId) ?? (await settle());
    for (const intent of intents) {
      if (!intent.isOpen) continue;
      try {
        if (this.#answerRepeat(intent, batch, access)) continue;
        await this.#add(intent, batch, access);
      } catch (error) {
        intent.reject(error);
      }
    }
    return batch.finish();
  }

  /** G4: looks up the request ids that memory can't answer for, all of the flush at once. */
  async #recallRequests(intents: readonly Intent[]): Promise<void> {
    if (this.#state.requestsComplete) return;
    const keys = intents.flatMap((intent) =>
      intent.requestId === undefined || this.#state.requestedBefore(intent.userId, intent.requestId)
        ? []
        : [requestKey(this.#state.blobId, intent.userId, intent.requestId)],
    );
    if (keys.length === 0) return;
    for (const commit of await this.#log.withRequestKeys(keys)) {
      for (const delta of commit.deltas) if (delta.toVersion <= this.#state.version) this.#state.rememberRequest(delta);
    }
  }

  #answerRepeat(intent: Intent, batch: Batch, access: BlobAccess | undefined): boolean {
    if (intent.requestId === undefined) return false;
    const first = this.#state.requestedBefore(intent.userId, intent.requestId);
    if (first && access) {
      authorize(intent, actionOf(intent.work), access);
      intent.resolve({ delta: first, version: first.toVersion, repeated: true });
      return true;
    }
    return batch.joinRepeat(intent);
  }

  async #add(intent: Intent, batch: Batch, access: BlobAccess | undefined): Promise<void> {
    const { work } = intent;
    if (work.kind === 'create') {
      await this.#addCreate(intent, work, batch);
      return;
    }
    if (!access) throw blobNotFound(this.#state.blobId);
    authorize(intent, actionOf(work), access);
    if (intent.ifVersion !== undefined && intent.ifVersion !== batch.headVersion) {
      throw new StudioError('ETAG_MISMATCH', 'The blob has changed since that etag.', { blob_id: this.#state.blobId });
    }
    if (intent.isLate)
      throw new StudioError('BLOB_DELETED', `Blob "${this.#state.blobId}" is deleted.`, {
        blob_id: this.#state.blobId,
      });
    if (work.kind === 'push') this.#addPush(intent, work, batch);
    else if (work.kind === 'delete')
      batch.add(intent, this.#draft(intent, 'delete', headBase(batch.headVersion), { updates: [] }));
    else if (work.kind === 'transform') await this.#addTransform(intent, work, batch);
    else await this.#addPatch(intent, work, batch);
  }

  async #addCreate(intent: Intent, work: Extract<Work, { kind: 'create' }>, batch: Batch): Promise<void> {
    for (const parentId of work.genesis.parentIds) {
      if (!mayRead(intent, await this.#access.settled(parentId))) throw parentNotFound(parentId);
    }
    if (this.#state.version > 0 || batch.genesis) {
      throw new StudioError('BLOB_ALREADY_EXISTS', `There is a blob "${this.#state.blobId}" already.`, {
        blob_id: this.#state.blobId,
      });
    }
    const made = this.#edits.makeInitial(work.genesis.contentType, work.content, intent.providerId !== undefined);
    batch.genesis = work.genesis;
    batch.owner = intent.userId;
    batch.add(intent, {
      ...this.#draft(intent, 'create', headBase(0), { updates: made ? [made.update] : [] }),
      newClients: made ? [made.clientId] : [],
      authoredWith: made?.clientId,
      genesis: work.genesis,
      derivation: work.derivation,
    });
  }

  #addPush(intent: Intent, work: Extract<Work, { kind: 'push' }>, batch: Batch): void {
    const checked = this.#check(work.update, intent.userId);
    if (!checked.brings) {
      batch.addNothing(intent);
      return;
    }
    if (batch.extendPush(intent, work.session, checked.update, checked.newClients)) return;
    batch.add(intent, {
      ...this.#draft(intent, 'update', headBase(batch.headVersion), { updates: [checked.update] }),
      newClients: checked.newClients,
    });
  }

  async #addPatch(intent: Intent, work: Extract<Work, { kind: 'patch' }>, batch: Batch): Promise<void> {
    const predecessor = await this.#predecessor(intent, work.previousDelta);
    const { base, isNamed } = this.#baseOf(work, predecessor, batch.headVersion);
    const chainLength = (predecessor?.chainLength ?? 0) + 1;
    if (work.patch.kind === 'yjs_update') {
      const checked = this.#check(work.patch.update, intent.userId);
      if (!checked.brings) batch.addNothing(intent);
      else {
        batch.add(intent, {
          ...this.#draft(intent, 'update', base, { updates: [checked.update], chainLength }),
          newClients: checked.newClients,
        });
      }
      return;
    }
    const made = await this.#edits.makePatch({ intent, patch: work.patch, base, isNamed, predecessor });
    this.#addMade(intent, 'update', made, base, chainLength, batch);
  }

  async #addTransform(intent: Intent, work: Extract<Work, { kind: 'transform' }>, batch: Batch): Promise<void> {
    const made = await this.#edits.makeTransform(work, this.#state);
    if (made.outcome === 'stale') {
      intent.resolve({ version: this.#state.version, repeated: false });
      return;
    }
    const base = headBase(batch.headVersion);
    if (made.edit) this.#authoring.accept(made.edit.authored);
    batch.add(
      intent,
      {
        ...this.#draft(intent, 'transform', base, { updates: made.edit ? [made.edit.authored.update] : [] }),
        newClients: made.edit ? this.#newClient(made.edit.authored) : [],
        authoredWith: made.edit?.authored.clientId,
        derivation: work.derivation,
      },
      made.edit?.authored,
    );
  }

  #addMade(
    intent: Intent,
    operation: Operation,
    made: MadeEdit | undefined,
    base: Base,
    chainLength: number,
    batch: Batch,
  ): void {
    if (!made) {
      batch.addNothing(intent);
      return;
    }
    const { authored } = made;
    this.#authoring.accept(authored);
    batch.add(
      intent,
      {
        ...this.#draft(intent, operation, base, { updates: [authored.update], chainLength }),
        newClients: this.#newClient(authored),
        authoredWith: authored.clientId,
      },
      authored,
    );
  }

  #newClient(authored: Authored): number[] {
    return this.#state.owners.has(authored.clientId) ? [] : [authored.clientId];
  }

  #check(update: Uint8Array, userId: string): ReturnType<Guard['check']> {
    const checked = this.#guard.check(update, userId);
    if (checked.brings) {
      if (!this.#state.hasRoomFor(checked.update.byteLength)) {
        throw new StudioError('CONTENT_TOO_LARGE', `Content may have at most ${CONTENT_BYTES_MAX} bytes.`, {
          limit: 'CONTENT_BYTES_MAX',
        });
      }
      this.#guard.accept(checked);
      this.#authoring.acceptRaw(checked.update);
    }
    return checked;
  }

  async #predecessor(intent: Intent, id: string | undefined): Promise<Delta | undefined> {
    if (id === undefined) return undefined;
    const found = this.#state.recentById(id) ?? (await this.#log.delta(id))?.delta;
    if (!found || found.blobId !== this.#state.blobId || found.toVersion > this.#state.version) {
      throw new StudioError('PREVIOUS_DELTA_UNKNOWN', `Blob "${this.#state.blobId}" has no delta "${id}".`, {
        previous_delta: id,
      });
    }
    if (found.userId !== intent.userId || found.providerId !== intent.providerId) {
      throw new StudioError('PREVIOUS_DELTA_FOREIGN', 'previous_delta must be a delta of your own.', {
        previous_delta: id,
      });
    }
    return found;
  }

  /** `isNamed`: the caller said what it saw. Otherwise the edit is made on the head, edits of this flush included. */
  #baseOf(
    work: Extract<Work, { kind: 'patch' }>,
    predecessor: Delta | undefined,
    headVersion: number,
  ): { base: Base; isNamed: boolean } {
    if (work.fromVersion === undefined) return { base: headBase(headVersion), isNamed: false };
    if (work.fromVersion < 1 || work.fromVersion > this.#state.version) {
      throw new StudioError(
        'BASE_VERSION_UNKNOWN',
        `from_version ${work.fromVersion} is not a version of this blob; it has 1 to ${this.#state.version}.`,
        { from_version: String(work.fromVersion), version: String(this.#state.version) },
      );
    }
    const base = predecessor ? chainedBase(work.fromVersion, predecessor) : normalizeBase(work.fromVersion, []);
    return { base, isNamed: true };
  }

  #draft(
    intent: Intent,
    operation: Operation,
    base: Base,
    made: { updates: readonly Uint8Array[]; chainLength?: number },
  ): Draft {
    return {
      userId: intent.userId,
      providerId: intent.providerId,
      operation,
      patch: storedPatch(intent.work),
      updates: made.updates,
      base,
      previousDelta: intent.work.kind === 'patch' ? intent.work.previousDelta : undefined,
      chainLength: made.chainLength ?? 1,
      causedBy: intent.causedBy,
      requestId: intent.requestId,
      newClients: [],
      createdAt: intent.receivedAt,
    };
  }
}

function actionOf(work: Work): Action {
  return work.kind === 'delete' ? 'delete' : 'write';
}
