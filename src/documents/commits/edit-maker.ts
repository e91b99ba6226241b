/** Makes each kind of server-made edit: the first content, patches, providers' outputs. */
import type * as Y from 'yjs';
import { headBase } from '../../domain/base.ts';
import type { Derivation } from '../../domain/blob.ts';
import { contentHash } from '../../domain/content/canonical.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { readContent, writtenFormat } from '../../domain/content/format.ts';
import { stateAsUpdate } from '../../domain/content/opaque-document.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { contentTooLarge } from '../../domain/content/size.ts';
import type { Base, Patch } from '../../domain/delta.ts';
import { authorContent, authorPatch } from '../../domain/edit/author.ts';
import { Guard } from '../../domain/guard/guard.ts';
import { mergeThreeWay } from '../../domain/merge/merge.ts';
import type { Contents } from '../../storage/contents.ts';
import type { Author, Authoring, Edit } from './authoring.ts';
import { ClientIds } from './client-ids.ts';
import type { Authored, Intent, Work } from './intent.ts';
import type { RoomState } from '../memory/room-state.ts';

interface Initial {
  readonly update: Uint8Array;
  readonly newClients: readonly number[];
  /** Absent where the caller made the update: its client ids are the caller's. */
  readonly authoredWith?: number;
}

export class EditMaker {
  readonly #authoring: Authoring;
  readonly #state: RoomState;
  readonly #contents: Contents;

  constructor(options: { readonly authoring: Authoring; readonly state: RoomState; readonly contents: Contents }) {
    this.#authoring = options.authoring;
    this.#state = options.state;
    this.#contents = options.contents;
  }

  /** The first content, on a document of its own. Undefined: there is none, as in an empty text. */
  makeInitial(
    contentType: string,
    content: Uint8Array,
    author: Pick<Intent, 'userId' | 'providerId' | 'trial'>,
  ): Initial | undefined {
    const doc = createDocument({ gc: true });
    rootOf(doc, shapeOf(contentType));
    const state = stateAsUpdate(doc, contentType, content);
    if (state) {
      const guard = new Guard({ doc, shape: 'yjs', owners: new Map() });
      const checked = guard.check(state, author.userId, author.trial === 'passed');
      doc.destroy();
      return checked.brings ? { update: checked.update, newClients: checked.newClients } : undefined;
    }
    const clientId = new ClientIds().choose(author.providerId === undefined ? 'user' : 'provider', undefined, {
      inBase: () => 0,
      atHead: () => 0,
    });
    doc.clientID = clientId;
    let update: Uint8Array | undefined;
    doc.on('update', (bytes: Uint8Array) => {
      update = bytes;
    });
    authorContent(doc, contentType, content);
    doc.destroy();
    return update ? { update, newClients: [clientId], authoredWith: clientId } : undefined;
  }

  /** `stage`: the base as a document, where it can't be made from the log. The edit is made on it. */
  async makePatch(options: {
    readonly intent: Intent;
    readonly patch: Exclude<Patch, { kind: 'yjs_update' | 'revert' }>;
    readonly base: Base;
    readonly isNamed: boolean;
    readonly author: Author;
    readonly stage?: Y.Doc;
  }): Promise<Authored | undefined> {
    const { intent, patch, base, isNamed, author, stage } = options;
    const contentType = this.#state.genesis.contentType;
    const canReuse = isNamed && !stage;
    if (canReuse && intent.authored && this.#authoring.stillValid(intent.authored)) return intent.authored;
    this.#requireRoom(patch);
    const edit: Edit = (doc) => authorPatch(doc, contentType, patch);
    if (stage) return this.#authoring.onDocument(stage, edit, author, base);
    const authored = isNamed
      ? await this.#authoring.onBase(base, edit, author)
      : this.#authoring.onHead(edit, author, base);
    if (canReuse) intent.authored = authored;
    return authored;
  }

  /**
   * A provider's new output, merged three ways: what changed between its previous output and this one is put into the
   * content as people have made it since. `last`: what that was made from; `version`: of the head that the edit is made
   * on, changes of the flush included. Where the previous output can't be read, people's content stays and the new one
   * counts as left out. G9: inputs older than those of the last transform are refused as stale.
   */
  async makeTransform(
    work: Extract<Work, { kind: 'transform' }>,
    last: Derivation | undefined,
    version: number,
  ): Promise<{ outcome: 'stale' } | { outcome: 'made'; authored: Authored | undefined; skippedHunks: number }> {
    const isOlder = last?.inputs.some((input) =>
      work.derivation.inputs.some((next) => next.blobId === input.blobId && next.version < input.version),
    );
    if (isOlder) return { outcome: 'stale' };
    if (last?.outputHash === work.derivation.outputHash)
      return { outcome: 'made', authored: undefined, skippedHunks: 0 };
    const contentType = this.#state.genesis.contentType;
    const isBinary = shapeOf(contentType) === 'binary';
    // Binary content is read as its hash.
    const next = isBinary ? Buffer.from(work.derivation.outputHash) : work.content;
    const previous = last && (isBinary ? Buffer.from(last.outputHash) : await this.#output(last.outputHash));
    let skippedHunks = 0;
    const edit: Edit = (doc: Y.Doc) => {
      if (!last) return authorContent(doc, contentType, work.content);
      const ours = readContent(doc, contentType, writtenFormat(contentType));
      const before = previous ?? (contentHash(ours) === last.outputHash ? ours : undefined);
      if (!before) {
        // What people changed can't be told from what the provider had written: nothing of it is overwritten.
        skippedHunks = 1;
        return;
      }
      const merged = mergeThreeWay(contentType, before, ours, next);
      skippedHunks = merged.skipped;
      if (merged.content !== ours) authorContent(doc, contentType, isBinary ? work.content : merged.content);
    };
    const authored = this.#authoring.onHead(edit, { kind: 'provider' }, headBase(version));
    return { outcome: 'made', authored, skippedHunks };
  }

  /** Undefined if what is stored is not what it should be. */
  async #output(hash: string): Promise<Uint8Array | undefined> {
    const stored = await this.#contents.get(hash);
    return stored && contentHash(stored) === hash ? stored : undefined;
  }

  /** G7: refused before the edit is made, by what it could add at the most. */
  #requireRoom(patch: Patch): void {
    if (patch.kind !== 'text_edits') return;
    const added = patch.edits.reduce((bytes, edit) => bytes + Buffer.byteLength(edit.insert), 0);
    if (this.#state.hasRoomFor(added)) return;
    throw contentTooLarge();
  }
}
