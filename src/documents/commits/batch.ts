/** What one flush has come to so far: its deltas, and where each intent finds its change in them. */
import type { Derivation } from '../../domain/blob.ts';
import type { Commit, Delta, Draft, Genesis } from '../../domain/delta.ts';
import { FLUSH, placeDraft } from '../../storage/log/commit-document.ts';
import { COMMIT_BYTES, draftBytes, requestKeyBytes, updatesBytes } from '../../storage/log/commit-size.ts';
import type { LiveSession } from '../contract.ts';
import type { UnnumberedCommit } from './committer.ts';
import type { Authored, Intent } from './intent.ts';
import type { RoomState } from '../memory/room-state.ts';

/** An intent and where its change is to be found once the flush is in. */
interface Placed {
  readonly intent: Intent;
  /** Index of its (last) delta in the commit; -1: everything it brings is in the head or in an earlier delta of the flush. */
  readonly index: number;
  /** How many deltas it made, where that is not one. */
  readonly count?: number;
  readonly authored?: Authored;
}

export interface Prepared {
  readonly commit: UnnumberedCommit | undefined;
  readonly bytes: number;
  readonly placed: readonly Placed[];
  /** By delta: the editor that pushed it, and so has it; undefined for one made otherwise. */
  readonly authors: readonly (LiveSession | undefined)[];
  /** What can't be done on this head, and why. Told once it is known to be the head: another process may have moved it. */
  readonly refused: ReadonlyMap<Intent, unknown>;
  /** Intents that are not in it: a raw update that must be tried first, and what its line sent after it. */
  readonly held: readonly Intent[];
  /** The last ones, where all would be more than one commit may hold. */
  readonly postponed: readonly Intent[];
}

/** The commit as it grows. */
export class Batch {
  readonly #state: RoomState;
  readonly #drafts: Draft[] = [];
  readonly #placed: Placed[] = [];
  readonly #authors: (LiveSession | undefined)[] = [];
  /** Made with the first: few flushes have any. */
  #requests: Map<string, { readonly index: number; readonly count?: number }> | undefined;
  #bytes = COMMIT_BYTES;
  #lastSession: unknown;
  genesis: Genesis | undefined;
  owner: string;

  constructor(state: RoomState) {
    this.#state = state;
    this.owner = state.owner;
  }

  /** The version the head will have after what is in the batch already. */
  get headVersion(): number {
    return this.#state.version + this.#drafts.length;
  }

  /** About what it takes in the database, and not less. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What the flush will commit, as far as it is known; the ids are the flush's own, and replaced when it is numbered. */
  get deltas(): readonly Delta[] {
    const appliedAt = new Date();
    return this.#drafts.map((draft, index) => this.#delta(draft, index, appliedAt));
  }

  /** Whether the blob is deleted after what is in the batch already. */
  get isDeleted(): boolean {
    const last = this.#drafts.findLast(({ operation }) => operation === 'delete' || operation === 'undelete');
    return last ? last.operation === 'delete' : this.#state.facts.deletedAt !== undefined;
  }

  /** What the blob's last transform was made from, those in the batch included. */
  get derivedFrom(): Derivation | undefined {
    const last = this.#drafts.findLast(({ derivation }) => derivation !== undefined);
    return last ? last.derivation : this.#state.facts.derivedFrom;
  }

  add(intent: Intent, draft: Draft, authored?: Authored): void {
    const { work } = intent;
    const author = work.kind === 'push' ? work.session : undefined;
    this.#placed.push({ intent, index: this.#push(draft, author), authored });
    this.#request(intent);
    this.#lastSession = work.kind === 'push' && !work.separate ? author : undefined;
  }

  /** One of several deltas of an intent, which `addGroup` then places. */
  addPart(draft: Draft): Delta {
    const index = this.#push(draft);
    this.#lastSession = undefined;
    return this.#delta(draft, index, new Date());
  }

  addGroup(intent: Intent, count: number): void {
    this.#placed.push({ intent, index: this.#drafts.length - 1, count });
    if (count > 0) this.#request(intent, count);
  }

  #push(draft: Draft, author?: LiveSession): number {
    this.#bytes += draftBytes(draft);
    this.#authors.push(author);
    return this.#drafts.push(draft) - 1;
  }

  #request(intent: Intent, count?: number): void {
    const { userId, requestId } = intent;
    if (requestId === undefined) return;
    this.#requests ??= new Map();
    this.#requests.set(`${userId}\n${requestId}`, { index: this.#drafts.length - 1, count });
    this.#bytes += requestKeyBytes(this.#state.blobId, userId, requestId);
  }

  /** Updates that one session pushed in a row make one delta, unless it wants them apart: they were typed by one hand. */
  extendPush(intent: Intent, session: unknown, update: Uint8Array, newClients: readonly number[]): boolean {
    const last = this.#drafts.at(-1);
    if (!last || this.#lastSession !== session) return false;
    this.#drafts[this.#drafts.length - 1] = {
      ...last,
      updates: [...last.updates, update],
      newClients: [...last.newClients, ...newClients.filter((id) => !last.newClients.includes(id))],
    };
    this.#placed.push({ intent, index: this.#drafts.length - 1 });
    this.#bytes += updatesBytes([update], newClients);
    return true;
  }

  addNothing(intent: Intent): void {
    this.#placed.push({ intent, index: this.#drafts.length - 1 });
  }

  /** The same request twice in one flush: both get the one delta. */
  joinRepeat(intent: Intent): boolean {
    const first = this.#requests?.get(`${intent.userId}\n${intent.requestId}`);
    if (first) this.#placed.push({ intent, ...first });
    return first !== undefined;
  }

  finish(left: Pick<Prepared, 'refused' | 'held' | 'postponed'>): Prepared {
    const { refused, held, postponed } = left;
    const placed = this.#placed;
    const authors = this.#authors;
    if (this.#drafts.length === 0) return { commit: undefined, bytes: 0, placed, authors, refused, held, postponed };
    const genesis = this.genesis ?? this.#state.genesis;
    const { blobId, version } = this.#state;
    const commit: UnnumberedCommit = {
      blobId,
      firstSeq: version + 1,
      lastSeq: version + this.#drafts.length,
      owner: this.owner,
      contentType: genesis.contentType,
      rootId: genesis.rootId,
      appliedAt: new Date(),
      drafts: this.#withNewClients(),
    };
    return { commit, bytes: this.#bytes, placed, authors, refused, held, postponed };
  }

  /** A client id is new where it occurs first. Few drafts have any. */
  #withNewClients(): readonly Draft[] {
    if (this.#drafts.every(({ newClients }) => newClients.length === 0)) return this.#drafts;
    // Not a copy of all owners: a blob may have had ten thousand client ids.
    const { owners } = this.#state;
    const seen = new Set<number>();
    return this.#drafts.map((draft) => {
      if (draft.newClients.length === 0) return draft;
      const newClients = draft.newClients.filter((client) => !owners.has(client) && !seen.has(client));
      for (const client of newClients) seen.add(client);
      return { ...draft, newClients };
    });
  }

  #delta(draft: Draft, index: number, appliedAt: Date): Delta {
    const { blobId, version } = this.#state;
    return placeDraft(draft, { commitId: FLUSH, index, blobId, toVersion: version + index + 1, appliedAt });
  }
}

/**
 * Whether somebody is to hear that nothing can or need be done, which may be so on an old head only. What an editor
 * pushes again is in that too.
 */
export function dependsOnHead({ placed, refused }: Prepared): boolean {
  return refused.size > 0 || placed.some(({ intent, index }) => index < 0 && intent.work.kind !== 'push');
}

/**
 * Tells each caller the delta its change became, or why it was refused; without a commit, that there was nothing to do
 * at `version`.
 */
export function acknowledge(prepared: Prepared, version: number, commit?: Commit): void {
  for (const [intent, error] of prepared.refused) intent.reject(error);
  for (const { intent, index, count } of prepared.placed) {
    const delta = index < 0 ? undefined : commit?.deltas[index];
    const deltas = count === undefined ? undefined : commit?.deltas.slice(index + 1 - count, index + 1);
    intent.resolve({ delta, deltas, version: delta?.toVersion ?? version, repeated: false });
  }
}

/** The version an edit became; undefined if it is not in the commit. */
export function versionOf(authored: Authored, { placed }: Prepared, { firstSeq }: Commit): number | undefined {
  const found = placed.find((entry) => entry.authored === authored);
  return found && firstSeq + found.index;
}
