/** A server's two kinds of documents, kept by the rule of the log: what the guard passed, in order. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import type { Shape } from '../../../src/domain/content/shape.ts';
import { type Checked, Guard } from '../../../src/domain/guard/guard.ts';

export class Replicas {
  readonly live = createDocument({ gc: true });
  /** As behind history: nothing collected, every update applied by itself. */
  readonly whole = createDocument({ gc: false });
  readonly owners = new Map<number, string>();
  readonly guard: Guard;
  readonly log: Uint8Array[] = [];
  readonly #contentType: string;
  readonly #accepted: Checked[] = [];

  constructor(shape: Shape, contentType: string) {
    this.#contentType = contentType;
    for (const doc of [this.live, this.whole]) rootOf(doc, shape);
    this.guard = new Guard({ doc: this.live, shape, owners: this.owners });
  }

  /** Throws what the guard throws. */
  accept(update: Uint8Array, userId: string): Checked {
    const checked = this.guard.check(update, userId);
    if (checked.brings) {
      this.guard.accept(checked);
      this.#accepted.push(checked);
    }
    return checked;
  }

  /** Commits what was accepted, as one flush. Returns its updates. */
  commit(): Uint8Array[] {
    const updates = this.#accepted.map((checked) => checked.update);
    Y.transact(this.live, () => updates.forEach((update) => Y.applyUpdate(this.live, update)), 'committed', false);
    for (const update of updates) Y.applyUpdate(this.whole, update);
    for (const checked of this.#accepted.splice(0)) {
      for (const client of checked.newClients) this.owners.set(client, checked.userId);
    }
    this.guard.settle();
    this.log.push(...updates);
    for (const doc of [this.live, this.whole]) {
      assert.is(doc.store.pendingStructs, null, 'nothing is left pending');
      assert.is(doc.store.pendingDs, null, 'no deletion is left pending');
    }
    return updates;
  }

  drop(): void {
    this.#accepted.length = 0;
    this.guard.settle();
  }

  content(): string {
    return text(readCanonical(this.live, this.#contentType));
  }

  /** G3: the documents agree, and so does one made from the state of each. */
  requireAgreement(): void {
    const content = this.content();
    assert.is(text(readCanonical(this.whole, this.#contentType)), content, 'with and without collection');
    for (const doc of [this.live, this.whole]) {
      const copy = createDocument({ gc: true });
      Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
      assert.is(text(readCanonical(copy, this.#contentType)), content, 'after loading a state');
    }
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
