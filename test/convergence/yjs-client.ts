/** A stock Yjs client behind a sync session of its own: it goes offline, comes back anywhere, sends things twice. */
import * as Y from 'yjs';
import type { LiveDocument } from '../../src/documents/contract.ts';
import type { Caller } from '../../src/domain/access/caller.ts';
import { StudioError } from '../../src/errors.ts';
import type { Random } from '../harness/random.ts';
import { Editor } from '../unit/guard/editors.ts';
import type { Account } from './account.ts';
import { shapeOfKind, type RoundKind } from './kinds.ts';
import { isUnanswered, UNANSWERED } from './patience.ts';
import type { StudioProcess } from './studio-process.ts';

interface Outgoing {
  readonly update: Uint8Array;
  readonly inserted: readonly string[];
  readonly deleted: readonly string[];
}

/** Reasons for which a session ends and the client just comes back later. */
const COMES_BACK = ['BLOB_DELETED', ...UNANSWERED];
const DOUBLED = 0.1;

export class YjsClient {
  readonly editor: Editor;
  readonly #caller: Caller;
  readonly #kind: RoundKind;
  readonly #blobId: string;
  readonly #account: Account;
  readonly #random: Random;
  #live: LiveDocument | undefined;
  /** Counts connections: what belongs to an earlier one is nobody's any more. */
  #session = 0;
  readonly #outbox: Outgoing[] = [];
  #inserted: string[] = [];
  #deleted: string[] = [];
  /** Of all it ever authored. */
  readonly #allInserted: string[] = [];
  readonly #allDeleted: string[] = [];
  #vanished = false;

  constructor(options: {
    readonly user: string;
    readonly clientId: number;
    readonly kind: RoundKind;
    readonly blobId: string;
    readonly account: Account;
    readonly random: Random;
  }) {
    this.#caller = { userId: options.user, administrator: false };
    this.#kind = options.kind;
    this.#blobId = options.blobId;
    this.#account = options.account;
    this.#random = options.random;
    this.editor = new Editor(options.clientId);
  }

  get isConnected(): boolean {
    return this.#live !== undefined;
  }

  get isIdle(): boolean {
    return this.#outbox.length === 0 && this.editor.outbox.length === 0 && this.editor.inbox.length === 0;
  }

  describe(): string {
    const { outbox, inbox } = this.editor;
    const isStuck = this.editor.doc.store.pendingStructs !== null || this.editor.doc.store.pendingDs !== null;
    const waiting = `${this.#outbox.length} + ${outbox.length} to send, ${inbox.length} to take in${isStuck ? ', and taken in too early' : ''}`;
    return `${this.editor.doc.clientID}: ${this.isConnected ? 'connected' : 'offline'} (${this.#session} times), ${waiting}`;
  }

  async connect(process: StudioProcess): Promise<void> {
    if (this.#live || this.#vanished) return;
    const session = ++this.#session;
    const onClose = (error: Error): void => {
      if (session !== this.#session) return;
      if (!(error instanceof StudioError) || !COMES_BACK.includes(error.reason))
        this.#account.problems.push(`a session ended: ${error.message}`);
      this.#leave();
    };
    try {
      const live = await Promise.race([
        process.crashed,
        this.#account.follow(
          process.documents.open(this.#caller, this.#blobId, {
            onUpdate: (update) => void (session === this.#session && this.editor.inbox.push(update)),
            onClose,
          }),
        ),
      ]);
      if (session !== this.#session) return live.close();
      this.#live = live;
      void process.crashed.catch(() => session === this.#session && this.disconnect());
      // Synchronous with the joining: between what it gets here and the next onUpdate there is no gap.
      this.editor.inbox.push(live.stateAsUpdate(Y.encodeStateVector(this.editor.doc)));
      this.#collect();
      this.#outbox.length = 0;
      const update = Y.encodeStateAsUpdate(this.editor.doc, live.stateVector());
      this.#outbox.push({ update, inserted: this.#allInserted.slice(), deleted: this.#allDeleted.slice() });
    } catch (error) {
      // The process may let it in all the same, too late: nothing of that connection is for it any more.
      if (session === this.#session) this.#session += 1;
      this.#expect(error, 'connecting');
    }
  }

  disconnect(): void {
    this.#live?.close();
    this.#leave();
  }

  #leave(): void {
    this.#session += 1;
    this.#live = undefined;
    this.#outbox.length = 0;
    this.editor.inbox.length = 0;
    this.editor.outbox.length = 0;
  }

  edit(): void {
    const { doc } = this.editor;
    if (this.#kind.accounted === 'character') this.#editTokens(doc.getText('content'));
    else if (this.#kind.accounted === 'key') this.#setKey(doc.getMap('content').get('root'));
    else this.editor.edit(shapeOfKind(this.#kind), this.#random);
    this.#account.count('edits by Yjs clients');
  }

  #editTokens(text: Y.Text): void {
    const random = this.#random;
    text.doc?.transact(() => {
      if (text.length > 0 && random.chance(0.3)) {
        const at = random.int(0, text.length);
        const count = Math.min(random.int(1, 4), text.length - at);
        this.#deleted.push(...text.toJSON().slice(at, at + count));
        text.delete(at, count);
      }
      if (random.chance(0.2)) return;
      const token = this.#account.tokens.next();
      this.#inserted.push(token);
      text.insert(random.int(0, text.length + 1), token);
    });
    this.#allInserted.push(...this.#inserted);
    this.#allDeleted.push(...this.#deleted);
    this.#collect();
  }

  #setKey(root: unknown): void {
    if (!(root instanceof Y.Map)) return;
    const token = this.#account.tokens.next();
    this.#inserted.push(token);
    this.#allInserted.push(token);
    root.set(token, this.#random.int(0, 100));
    this.#collect();
  }

  /** What the editor authored waits to be sent; offline, connecting sends what is missing. */
  #collect(): void {
    const updates = this.editor.outbox.splice(0);
    for (const [index, update] of updates.entries()) {
      const isLast = index === updates.length - 1;
      if (this.#live)
        this.#outbox.push({ update, inserted: isLast ? this.#inserted : [], deleted: isLast ? this.#deleted : [] });
    }
    this.#inserted = [];
    this.#deleted = [];
  }

  /** Takes in some of what came. What this makes the editor author itself goes out as well. */
  receive(count = Infinity): void {
    this.editor.receive(count);
    this.#collect();
  }

  /** Sends some of what waits. Resolves when it is answered. */
  async send(count = Infinity): Promise<void> {
    this.#collect();
    const live = this.#live;
    const session = this.#session;
    if (!live) return;
    await Promise.all(
      this.#outbox.splice(0, count).map(async (outgoing) => {
        const push = (): Promise<{ version: number }> => this.#account.follow(live.push(outgoing.update));
        const again = this.#random.chance(DOUBLED) ? push() : undefined;
        try {
          const { version } = await push();
          const by = `client ${this.editor.doc.clientID}, connection ${session}`;
          this.#account.pushed.push({ version, update: outgoing.update, by });
          for (const token of outgoing.inserted) this.#account.due.add(token);
          for (const token of outgoing.deleted) this.#account.deleted.add(token);
          await again;
        } catch (error) {
          again?.catch(() => undefined);
          // What was sent behind it on the same connection may depend on it; nobody waits for that any more.
          if (session !== this.#session) return;
          this.#expect(error, 'pushing');
          this.disconnect();
        }
      }),
    );
  }

  /** Gone for good, with whatever it did not get to send. */
  vanish(): void {
    this.#vanished = true;
    for (const token of this.#allDeleted) this.#account.perhapsDeleted.add(token);
    this.disconnect();
  }

  #expect(error: unknown, doing: string): void {
    this.#account.count(`failed: ${doing}, ${error instanceof StudioError ? error.reason : 'otherwise'}`);
    if (isUnanswered(error) || (error instanceof StudioError && error.reason === 'BLOB_DELETED')) return;
    const said = error instanceof StudioError ? JSON.stringify(error.metadata) : '';
    this.#account.problems.push(`${doing} as ${this.#caller.userId} (${this.describe()}): ${String(error)} ${said}`);
  }
}
