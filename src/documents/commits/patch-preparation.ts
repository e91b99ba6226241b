/** Prepares changes whose callers named what they were made in: one by one, and several that stand or fall together. */
import * as Y from 'yjs';
import { chainedBase, headBase, normalizeBase } from '../../domain/base.ts';
import { updateOf } from '../../domain/content/opaque-document.ts';
import type { Base, Delta, Draft, Patch } from '../../domain/delta.ts';
import type { Checked } from '../../domain/guard/guard.ts';
import { NeedsTrial } from '../../domain/guard/refusals.ts';
import { StudioError } from '../../errors.ts';
import { FLUSH_BYTES_MAX } from '../../limits.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import { type Author, type Authoring, requireWhole } from './authoring.ts';
import type { Batch } from './batch.ts';
import { draftOf, newClientsOf } from './draft.ts';
import type { EditMaker } from './edit-maker.ts';
import type { Authored, Intent, Work } from './intent.ts';
import { idleRevert, type RevertMaker } from './revert-maker.ts';
import type { RoomState } from '../memory/room-state.ts';
import { storedChange } from './stored-patch.ts';

type PatchWork = Extract<Work, { kind: 'patch' }>;
type BatchWork = Extract<Work, { kind: 'batch' }>;

/** Where a change stands: what it is made in, and after which delta of its caller's. */
interface Standing {
  readonly base: Base;
  /** The caller said what it saw. Otherwise the change is made on the head, changes of this flush included. */
  readonly isNamed: boolean;
  readonly predecessor: Delta | undefined;
  /** The base as a document, where it can't be made from the log: it holds deltas of this flush. */
  readonly stage?: Y.Doc;
}

/** What of a draft its edit gives. */
type Edited = Pick<Draft, 'updates' | 'newClients' | 'authoredWith'>;

const NO_EDIT: Edited = { updates: [], newClients: [] };

interface Made {
  readonly draft: Draft;
  readonly authored?: Authored;
  /** It changes nothing on this head. */
  readonly isNothing?: boolean;
}

export class PatchPreparation {
  readonly #state: RoomState;
  readonly #authoring: Authoring;
  readonly #edits: EditMaker;
  readonly #reverts: RevertMaker;
  readonly #log: CommitLog;
  /** Guards an update and, if it brings anything, accepts it. */
  readonly #check: (update: Uint8Array, intent: Intent) => Checked;

  constructor(options: {
    readonly state: RoomState;
    readonly authoring: Authoring;
    readonly edits: EditMaker;
    readonly reverts: RevertMaker;
    readonly log: CommitLog;
    readonly check: (update: Uint8Array, intent: Intent) => Checked;
  }) {
    this.#state = options.state;
    this.#authoring = options.authoring;
    this.#edits = options.edits;
    this.#reverts = options.reverts;
    this.#log = options.log;
    this.#check = options.check;
  }

  async add(intent: Intent, work: PatchWork, batch: Batch): Promise<void> {
    const made = await this.#make(intent, work.patch, await this.#standing(intent, work, batch.headVersion), batch);
    if (made) batch.add(intent, made.draft, made.authored);
    else batch.addNothing(intent);
  }

  /**
   * Each on the result of the one before; those that change nothing make no delta, all together one where that must be
   * kept. A refusal names the index of what was refused; what was accepted until then is the caller's to drop, with
   * everything else of the flush.
   */
  async addAll(intent: Intent, work: BatchWork, batch: Batch): Promise<void> {
    let standing = await this.#standing(intent, work, batch.headVersion);
    // What a revert to a version brings back may have been deleted at any time.
    const reverts = work.patches.some((patch) => patch.kind === 'revert' && patch.target.kind === 'version');
    const keptFrom = reverts ? 0 : undefined;
    const stage = standing.isNamed ? await this.#authoring.baseDocument(standing.base, keptFrom) : undefined;
    let count = 0;
    let bytes = 0;
    let nothing: Draft | undefined;
    try {
      for (const [index, patch] of work.patches.entries()) {
        const made = await this.#makePart(intent, patch, { ...standing, stage }, { batch, index });
        if (made?.isNothing) nothing ??= made.draft;
        if (!made || made.isNothing) continue;
        for (const update of made.draft.updates) bytes += update.byteLength;
        if (bytes > FLUSH_BYTES_MAX) throw tooLarge(index);
        if (stage) {
          for (const update of made.draft.updates) Y.applyUpdate(stage, update);
          requireWhole(stage, index);
        }
        const delta = batch.addPart({ ...made.draft, previousDelta: standing.predecessor?.id });
        count += 1;
        const base = stage ? chainedBase(standing.base.fromVersion, delta) : headBase(batch.headVersion);
        standing = { ...standing, base, predecessor: delta };
      }
    } finally {
      stage?.destroy();
    }
    if (count === 0 && nothing) {
      batch.addPart({ ...nothing, previousDelta: standing.predecessor?.id });
      count = 1;
    }
    batch.addGroup(intent, count);
  }

  async #makePart(
    intent: Intent,
    patch: Patch,
    standing: Standing,
    { batch, index }: { batch: Batch; index: number },
  ): Promise<Made | undefined> {
    try {
      return await this.#make(intent, patch, standing, batch);
    } catch (error) {
      if (!(error instanceof StudioError) || error instanceof NeedsTrial) throw error;
      const metadata = { ...error.metadata, index: String(index) };
      throw new StudioError(error.reason, `Change ${index}: ${error.message}`, metadata, { cause: error });
    }
  }

  /**
   * Made and accepted. Undefined: it brings nothing. G4: where its request has an id that makes a delta all the same,
   * without updates, since sent again later it might change something. A raw update that brings nothing never will.
   */
  async #make(intent: Intent, patch: Patch, standing: Standing, batch: Batch): Promise<Made | undefined> {
    const { base, isNamed, predecessor, stage } = standing;
    const chainLength = (predecessor?.chainLength ?? 0) + 1;
    const draft = (edited: Edited): Draft =>
      draftOf(intent, 'update', base, { chainLength, patch: storedChange(patch), ...edited });
    const raw = updateOf(this.#state.doc, this.#state.genesis.contentType, patch);
    if (raw) {
      const { brings, update, newClients } = this.#check(raw, intent);
      return brings ? { draft: draft({ updates: [update], newClients }) } : undefined;
    }
    const nothing = (more?: Partial<Draft>): Made | undefined =>
      intent.requestId === undefined ? undefined : { draft: { ...draft(NO_EDIT), ...more }, isNothing: true };
    const author: Author = {
      kind: intent.providerId === undefined ? 'user' : 'provider',
      preferredClientId: predecessor?.authoredWith,
    };
    if (patch.kind === 'revert') {
      const made = await this.#reverts.make({ target: patch.target, base, isNamed, author, batch, stage });
      if (!made) return nothing({ operation: 'revert', patch: idleRevert(patch.target, batch.headVersion + 1) });
      const { authored, delta } = made;
      return { draft: { ...draft(this.#accepted(authored)), ...delta, operation: 'revert' }, authored };
    }
    // Raw updates have been taken above.
    const edit = patch as Exclude<typeof patch, { kind: 'yjs_update' }>;
    const authored = await this.#edits.makePatch({ intent, patch: edit, base, isNamed, author, stage });
    return authored ? { draft: draft(this.#accepted(authored)), authored } : nothing();
  }

  /** Undefined: the change has no edit. */
  #accepted(authored: Authored | undefined): Edited {
    if (!authored) return NO_EDIT;
    this.#authoring.accept(authored);
    const newClients = newClientsOf(authored, this.#state);
    return { updates: [authored.update], newClients, authoredWith: authored.clientId };
  }

  async #standing(intent: Intent, work: PatchWork | BatchWork, headVersion: number): Promise<Standing> {
    const predecessor = await this.#predecessor(intent, work.previousDelta);
    const { base, isNamed } = this.#baseOf(work.fromVersion, predecessor, headVersion);
    return { base, isNamed, predecessor, stage: undefined };
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

  #baseOf(
    fromVersion: number | undefined,
    predecessor: Delta | undefined,
    headVersion: number,
  ): { base: Base; isNamed: boolean } {
    if (fromVersion === undefined) return { base: headBase(headVersion), isNamed: false };
    if (fromVersion < 1 || fromVersion > this.#state.version) {
      throw new StudioError(
        'BASE_VERSION_UNKNOWN',
        `from_version ${fromVersion} is not a version of this blob; it has 1 to ${this.#state.version}.`,
        { from_version: String(fromVersion), version: String(this.#state.version) },
      );
    }
    const base = predecessor ? chainedBase(fromVersion, predecessor) : normalizeBase(fromVersion, []);
    return { base, isNamed: true };
  }
}

function tooLarge(index: number): StudioError {
  return new StudioError('LIMIT_EXCEEDED', `The changes together come to more than ${FLUSH_BYTES_MAX} bytes.`, {
    limit: 'FLUSH_BYTES_MAX',
    index: String(index),
  });
}
