/**
 * Makes the server's edits, never on the live document: on a twin of it that also holds the edits of the flush being
 * prepared, or, for an edit whose base is not the head, on a document at that base.
 */
import * as Y from 'yjs';
import { normalizeBase } from '../../domain/base.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { transactSparsely } from '../../domain/content/sparse-transaction.ts';
import type { Base, Delta } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import type { Guard } from '../../domain/guard/guard.ts';
import type { BaseDocuments } from '../history/base-documents.ts';
import { ClientIds } from './client-ids.ts';
import type { Authored } from './intent.ts';
import type { RoomState } from '../memory/room-state.ts';

export type Edit = (doc: Y.Doc) => void;

export interface Author {
  readonly kind: 'user' | 'provider';
  /** The client id of the edit's predecessor. */
  readonly preferredClientId?: number;
}

export class Authoring {
  readonly #state: RoomState;
  readonly #guard: Guard;
  readonly #bases: BaseDocuments;
  readonly #clientIds = new ClientIds();
  #twin: Y.Doc | undefined;
  #twinUsedAt = 0;
  /** What the flush under way has accepted so far, in order. */
  readonly #accepted: Uint8Array[] = [];
  /** Edits the twin holds because they were made on it. */
  #madeOnTwin = new WeakSet<Authored>();
  /** Documents that hold an edit of the flush under way; they return to the cache if it commits. */
  readonly #lent: { readonly doc: Y.Doc; readonly authored: Authored }[] = [];

  constructor(options: { readonly state: RoomState; readonly guard: Guard; readonly bases: BaseDocuments }) {
    this.#state = options.state;
    this.#guard = options.guard;
    this.#bases = options.bases;
  }

  /** Makes an edit on the head as it will be after the edits accepted so far. Undefined: it changed nothing. */
  onHead(edit: Edit, author: Author, base: Base): Authored | undefined {
    try {
      const authored = this.#author(this.#headTwin(), edit, author, base);
      if (authored) this.#madeOnTwin.add(authored);
      return authored;
    } catch (error) {
      // A refused edit (a StudioError) was checked before it touched anything; of another failure that is not known.
      if (!(error instanceof StudioError)) this.dropTwin();
      throw error;
    }
  }

  /** Makes an edit on the state its caller named. */
  async onBase(base: Base, edit: Edit, author: Author): Promise<Authored | undefined> {
    const isHead = base.extras.length === 0 && base.fromVersion === this.#state.version;
    if (isHead && this.#accepted.length === 0) return this.onHead(edit, author, base);
    const doc = await this.baseDocument(base);
    const authored = this.#author(doc, edit, author, base);
    if (authored) this.#lent.push({ doc, authored });
    else this.#bases.put(this.#state.blobId, base, doc);
    return authored;
  }

  /** Makes an edit on a document of the caller's own, which holds exactly `base`. */
  onDocument(doc: Y.Doc, edit: Edit, author: Author, base: Base): Authored | undefined {
    return this.#author(doc, edit, author, base);
  }

  /**
   * A document of the caller's own that holds exactly `base`; with `keptFrom` also what was deleted after that version.
   * Throws as `requireWhole` does.
   */
  async baseDocument(base: Base, keptFrom?: number): Promise<Y.Doc> {
    const recent = (first: number, last: number): readonly Delta[] | undefined => this.#state.recent(first, last);
    const doc = await this.#bases.take(this.#state.blobId, base, recent, keptFrom);
    try {
      requireWhole(doc);
    } catch (error) {
      // It would stay like that, and is not for the cache.
      doc.destroy();
      throw error;
    }
    rootOf(doc, shapeOf(this.#state.genesis.contentType));
    return doc;
  }

  /** The head as it will be after the edits accepted so far; to be looked at only. */
  get headDocument(): Y.Doc {
    return this.#headTwin();
  }

  #author(doc: Y.Doc, edit: Edit, author: Author, base: Base): Authored | undefined {
    const inBase = (id: number): number => Y.getState(doc.store, id);
    const clientId = this.#clientIds.choose(author.kind, author.preferredClientId, {
      inBase,
      atHead: (id) => this.#guard.clock(id),
    });
    const clock = inBase(clientId);
    // Set for each edit: Yjs may have changed it while the document was loading.
    doc.clientID = clientId;
    let update: Uint8Array | undefined;
    const collect = (bytes: Uint8Array): void => {
      update = bytes;
    };
    doc.on('update', collect);
    try {
      edit(doc);
    } finally {
      doc.off('update', collect);
    }
    return update ? { update, clientId, base, clock } : undefined;
  }

  /** Whether an edit made before a lost race can be committed as it is. */
  stillValid(authored: Authored): boolean {
    return this.#guard.clock(authored.clientId) === authored.clock;
  }

  /** The flush will carry this edit. */
  accept(authored: Authored): void {
    try {
      this.#guard.acceptAuthored(authored.update);
    } catch (error) {
      // Too large, say: later edits made on a twin that holds it would build on what never commits.
      this.discard(authored);
      throw error;
    }
    this.#follow(authored.update, this.#madeOnTwin.has(authored));
  }

  /** The flush will carry this update, which a client made. */
  acceptRaw(update: Uint8Array): void {
    this.#follow(update, false);
  }

  /** An edit was made and then refused. */
  discard(authored: Authored): void {
    if (this.#madeOnTwin.has(authored)) this.dropTwin();
  }

  #follow(update: Uint8Array, isHeld: boolean): void {
    this.#accepted.push(update);
    if (this.#twin && !isHeld) applyTo(this.#twin, update);
  }

  /** The flush is in the log: the twin and the live document agree again, and lent documents hold their edit rightly. */
  settleCommitted(seqOf: (authored: Authored) => number | undefined): void {
    this.#accepted.length = 0;
    for (const { doc, authored } of this.#lent.splice(0)) {
      const seq = seqOf(authored);
      if (seq === undefined) {
        doc.destroy();
        continue;
      }
      const base = normalizeBase(authored.base.fromVersion, [...authored.base.extras, { first: seq, last: seq }]);
      this.#bases.put(this.#state.blobId, base, doc);
    }
  }

  /** The flush is not in the log. What was edited for it can't be un-edited. */
  settleLost(): void {
    for (const { doc } of this.#lent.splice(0)) doc.destroy();
    if (this.#accepted.length > 0) this.dropTwin();
    this.#accepted.length = 0;
  }

  /** Others' commits went into the live document. */
  followCommitted(update: Uint8Array): void {
    if (this.#twin) applyTo(this.#twin, update);
  }

  #headTwin(): Y.Doc {
    this.#twinUsedAt = performance.now();
    if (this.#twin) return this.#twin;
    const twin = createDocument({ gc: true });
    Y.applyUpdate(twin, Y.encodeStateAsUpdate(this.#state.doc));
    for (const update of this.#accepted) Y.applyUpdate(twin, update);
    rootOf(twin, shapeOf(this.#state.genesis.contentType));
    this.#twin = twin;
    return twin;
  }

  get hasTwin(): boolean {
    return this.#twin !== undefined;
  }

  dropTwin(): void {
    this.#twin?.destroy();
    this.#twin = undefined;
    this.#madeOnTwin = new WeakSet();
  }

  /** The twin doubles the memory of its room, so it goes when no server edit has needed it for a while. */
  dropIdleTwin(idleMs: number): void {
    if (this.#accepted.length === 0 && performance.now() - this.#twinUsedAt > idleMs) this.dropTwin();
  }
}

function applyTo(doc: Y.Doc, update: Uint8Array): void {
  transactSparsely(doc, () => Y.applyUpdate(doc, update), null, false);
}

/**
 * A raw update may build on what its caller says not to have seen: Yjs keeps it pending where that is not, and nothing can
 * be made on its result. Throws UPDATE_DEPENDS_ON_MISSING.
 */
export function requireWhole({ store }: Y.Doc, index?: number): void {
  if (store.pendingStructs === null && store.pendingDs === null) return;
  const what = index === undefined ? 'A change that this one follows' : `Change ${index}`;
  throw new StudioError(
    'UPDATE_DEPENDS_ON_MISSING',
    `${what} builds on more than from_version includes.`,
    index === undefined ? {} : { index: String(index) },
  );
}
