/**
 * Turns the intents of one flush into one commit on the head as it now is. Nothing is applied and nothing stored: a
 * lost race prepares the same intents again, on the head that won, so that whatever was computed on the old one
 * (request ids, guards, clocks, differences) is computed anew.
 */
import type { AccessControl } from '../../access/contract.ts';
import {
  authorize,
  blobAlreadyExists,
  blobDeleted,
  blobNotFound,
  etagMismatch,
  mayRead,
  parentNotFound,
  type Action,
} from '../../domain/access/access.ts';
import type { BlobAccess } from '../../domain/access/blob-access.ts';
import { headBase } from '../../domain/base.ts';
import { contentTooLarge } from '../../domain/content/size.ts';
import type { Delta } from '../../domain/delta.ts';
import type { Guard } from '../../domain/guard/guard.ts';
import { NeedsTrial } from '../../domain/guard/refusals.ts';
import { structBytes } from '../../domain/guard/update.ts';
import { StudioError } from '../../errors.ts';
import { COMMIT_BYTES_MAX } from '../../limits.ts';
import { requestKey } from '../../storage/log/commit-document.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Authoring } from './authoring.ts';
import { Batch, type Prepared } from './batch.ts';
import { draftOf, newClientsOf } from './draft.ts';
import type { EditMaker } from './edit-maker.ts';
import type { History } from '../history/history.ts';
import type { Intent, Work } from './intent.ts';
import { Leftovers } from './leftovers.ts';
import { PatchPreparation } from './patch-preparation.ts';
import { retrying } from '../../storage/retrying.ts';
import type { RevertMaker } from './revert-maker.ts';
import type { RoomState } from '../memory/room-state.ts';

const NONE: ReadonlyMap<string, Delta> = new Map();

export class Preparation {
  readonly #state: RoomState;
  readonly #guard: Guard;
  readonly #authoring: Authoring;
  readonly #edits: EditMaker;
  readonly #log: CommitLog;
  readonly #access: AccessControl;
  readonly #history: Pick<History, 'requireLoadable'>;
  readonly #patches: PatchPreparation;
  /** Of this flush: first answers that were not in memory, by request key. */
  #recalled = NONE;

  constructor(options: {
    readonly state: RoomState;
    readonly guard: Guard;
    readonly authoring: Authoring;
    readonly edits: EditMaker;
    readonly reverts: RevertMaker;
    readonly log: CommitLog;
    readonly access: AccessControl;
    readonly history: Pick<History, 'requireLoadable'>;
  }) {
    this.#state = options.state;
    this.#guard = options.guard;
    this.#authoring = options.authoring;
    this.#edits = options.edits;
    this.#log = options.log;
    this.#access = options.access;
    this.#history = options.history;
    this.#patches = new PatchPreparation({ ...options, check: (update, intent) => this.#check(update, intent) });
  }

  async prepare(intents: readonly Intent[]): Promise<Prepared> {
    const unknown = this.#unknownRequests(intents);
    this.#recalled = unknown.length > 0 ? await this.#recallRequests(unknown) : NONE;
    const left = new Leftovers();
    for (let taken = intents; ;) {
      const filled = await this.#fill(taken, left);
      if (filled instanceof Batch) {
        const { refused, held } = left;
        return filled.finish({ refused, held, postponed: intents.slice(taken.length) });
      }
      // Refused halfway, or too much: nothing of it may stay, and what came after it was made on top of it.
      taken = taken.slice(0, filled.take);
      // Those are asked anew in their turn.
      for (const postponed of intents.slice(taken.length)) left.forget(postponed);
      this.#guard.settle();
      this.#authoring.settleLost();
    }
  }

  /**
   * How many of the intents to take, from the first, and start anew with, when one was refused or held after some of it
   * had been accepted, or came to more than a commit may hold.
   */
  async #fill(intents: readonly Intent[], left: Leftovers): Promise<Batch | { readonly take: number }> {
    left.restart();
    const batch = new Batch(this.#state);
    // G8: as it is now, whatever was decided when the change was taken in. Edits wait for that as they do for their commit.
    const { blobId, version } = this.#state;
    const settle = async (): Promise<BlobAccess | undefined> =>
      version > 0 ? this.#access.settled(this.#state.lineage) : undefined;
    const access = this.#access.known(blobId) ?? (await settle());
    for (const [index, intent] of intents.entries()) {
      if (!intent.isOpen || left.leaves(intent)) continue;
      const before = batch.headVersion;
      try {
        if (intent.requestId !== undefined && (await this.#answerRepeat(intent, batch, access))) continue;
        const adding = this.#add(intent, batch, access);
        if (adding) await adding;
      } catch (error) {
        if (error instanceof NeedsTrial) {
          intent.trial = 'needed';
          left.hold(intent);
        } else left.refuse(intent, error);
        if (batch.headVersion !== before) return { take: intents.length };
      }
      if (batch.bytes <= COMMIT_BYTES_MAX) continue;
      if (before > version) return { take: index };
      left.refuse(intent, tooLarge());
      return { take: intents.length };
    }
    return batch;
  }

  /** Keys of the requests that memory can't answer for. */
  #unknownRequests(intents: readonly Intent[]): string[] {
    const keys: string[] = [];
    if (this.#state.requestsComplete) return keys;
    for (const { userId, requestId } of intents) {
      if (requestId === undefined || this.#state.requestedBefore(userId, requestId)) continue;
      keys.push(requestKey(this.#state.blobId, userId, requestId));
    }
    return keys;
  }

  /**
   * G4: looks up those of a flush, all at once. Not into that memory, where they would take the place of others that this
   * flush asks for.
   */
  async #recallRequests(unknown: readonly string[]): Promise<ReadonlyMap<string, Delta>> {
    const { blobId, version } = this.#state;
    const keys = new Set(unknown);
    const recalled = new Map<string, Delta>();
    for (const { deltas } of await retrying(() => this.#log.withRequestKeys([...keys]))) {
      for (const delta of deltas) {
        const key = delta.requestId === undefined ? '' : requestKey(blobId, delta.userId, delta.requestId);
        if (delta.toVersion <= version && keys.has(key)) recalled.set(key, delta);
      }
    }
    return recalled;
  }

  async #answerRepeat(intent: Intent, batch: Batch, access: BlobAccess | undefined): Promise<boolean> {
    const { userId, requestId = '' } = intent;
    const first =
      this.#state.requestedBefore(userId, requestId) ??
      this.#recalled.get(requestKey(this.#state.blobId, userId, requestId));
    if (first && access) {
      authorize(intent, actionOf(intent.work), access);
      const deltas = intent.work.kind === 'batch' ? await this.#batchOf(first) : undefined;
      intent.resolve({ delta: first, deltas, version: first.toVersion, repeated: true });
      return true;
    }
    return batch.joinRepeat(intent);
  }

  /** All deltas of the request that made this one: they are in one commit. */
  async #batchOf({ userId, requestId, toVersion }: Delta): Promise<readonly Delta[]> {
    const commit = await retrying(() => this.#log.commitAt(this.#state.blobId, toVersion));
    return commit?.deltas.filter((delta) => delta.userId === userId && delta.requestId === requestId) ?? [];
  }

  /** Not async itself: of an editor's update nothing is waited for, and they are many. */
  #add(intent: Intent, batch: Batch, access: BlobAccess | undefined): Promise<void> | undefined {
    const { work } = intent;
    if (work.kind === 'create') return this.#addCreate(intent, work, batch);
    if (!access) throw blobNotFound(this.#state.blobId);
    authorize(intent, actionOf(work), access);
    if (intent.ifVersion !== undefined && intent.ifVersion !== batch.headVersion) {
      throw etagMismatch(this.#state.blobId);
    }
    if (intent.isLate && batch.isDeleted && work.kind !== 'undelete') throw blobDeleted(this.#state.blobId);
    if (
      work.kind === 'transform' ||
      work.kind === 'batch' ||
      (work.kind === 'patch' && work.patch.kind !== 'yjs_update')
    )
      this.#history.requireLoadable(this.#state);
    if (work.kind === 'transform') return this.#addTransform(intent, work, batch);
    if (work.kind === 'batch') return this.#patches.addAll(intent, work, batch);
    if (work.kind === 'patch') return this.#patches.add(intent, work, batch);
    if (work.kind === 'push') this.#addPush(intent, work, batch);
    else this.#addDeletion(intent, work.kind, batch);
    return undefined;
  }

  async #addCreate(intent: Intent, work: Extract<Work, { kind: 'create' }>, batch: Batch): Promise<void> {
    // G8: before the parents, which may be those that somebody else's blob was made with.
    if (this.#state.version > 0 || batch.genesis) throw blobAlreadyExists(this.#state.blobId);
    for (const parentId of work.genesis.parentIds) {
      if (!mayRead(intent, await this.#access.settled(parentId))) throw parentNotFound(parentId);
    }
    const made = this.#edits.makeInitial(work.genesis.contentType, work.content, intent);
    batch.genesis = work.genesis;
    batch.owner = intent.userId;
    batch.add(
      intent,
      draftOf(intent, 'create', headBase(0), {
        updates: made ? [made.update] : [],
        newClients: made?.newClients,
        authoredWith: made?.authoredWith,
        genesis: work.genesis,
        derivation: work.derivation,
      }),
    );
  }

  /**
   * Undeleting what is not deleted is nothing, seen where it stands in the flush. G4: with a request id it makes a delta
   * all the same, or sent again after a deletion it would bring the blob back.
   */
  #addDeletion(intent: Intent, operation: 'delete' | 'undelete', batch: Batch): void {
    const foundAlive = (operation === 'undelete' && !batch.isDeleted) || undefined;
    if (foundAlive && intent.requestId === undefined) batch.addNothing(intent);
    else batch.add(intent, draftOf(intent, operation, headBase(batch.headVersion), { updates: [], foundAlive }));
  }

  #addPush(intent: Intent, work: Extract<Work, { kind: 'push' }>, batch: Batch): void {
    const checked = this.#check(work.update, intent);
    if (!checked.brings) {
      batch.addNothing(intent);
      return;
    }
    const joins = !work.separate && batch.extendPush(intent, work.session, checked.update, checked.newClients);
    if (joins) return;
    const { update, newClients } = checked;
    batch.add(intent, draftOf(intent, 'update', headBase(batch.headVersion), { updates: [update], newClients }));
  }

  async #addTransform(intent: Intent, work: Extract<Work, { kind: 'transform' }>, batch: Batch): Promise<void> {
    const made = await this.#edits.makeTransform(work, batch.derivedFrom, batch.headVersion);
    if (made.outcome === 'stale') {
      intent.resolve({ version: this.#state.version, repeated: false });
      return;
    }
    const base = headBase(batch.headVersion);
    const { authored } = made;
    if (authored) this.#authoring.accept(authored);
    batch.add(
      intent,
      draftOf(intent, 'transform', base, {
        updates: authored ? [authored.update] : [],
        newClients: authored && newClientsOf(authored, this.#state),
        authoredWith: authored?.clientId,
        derivation: work.derivation,
        skippedHunks: made.skippedHunks || undefined,
      }),
      authored,
    );
  }

  #check(update: Uint8Array, intent: Intent): ReturnType<Guard['check']> {
    const checked = this.#guard.check(update, intent.userId, intent.trial === 'passed');
    // G4: what brings nothing is answered all the same.
    if (checked.brings) {
      this.#history.requireLoadable(this.#state);
      const grown = structBytes(checked.sections);
      if (grown > 0 && !this.#state.hasRoomFor(grown)) {
        throw contentTooLarge();
      }
      this.#guard.accept(checked);
      this.#authoring.acceptRaw(checked.update);
    }
    return checked;
  }
}

function tooLarge(): StudioError {
  return new StudioError('LIMIT_EXCEEDED', `A change may come to at most ${COMMIT_BYTES_MAX} bytes.`, {
    limit: 'COMMIT_BYTES_MAX',
  });
}

function actionOf(work: Work): Action {
  return work.kind === 'delete' || work.kind === 'undelete' ? work.kind : 'write';
}
