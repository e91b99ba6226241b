/** Histories by several hands, as the log has them: every delta what one author's update brought. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import type { Shape } from '../../../src/domain/content/shape.ts';
import type { Copy } from '../../../src/domain/revert/copies.ts';
import { type Effects, effectsBetween } from '../../../src/domain/revert/effects.ts';
import { undo } from '../../../src/domain/revert/undo.ts';
import type { Random } from '../../harness/random.ts';
import { Editor } from '../guard/editors.ts';
import { Replicas } from '../guard/replicas.ts';

export interface History {
  readonly shape: Shape;
  readonly contentType: string;
  /** Update n made version n + 1. */
  readonly log: Uint8Array[];
}

export function randomHistory(type: { shape: Shape; contentType: string }, random: Random, steps: number): History {
  const replicas = new Replicas(type.shape, type.contentType);
  const editors = random.shuffle([1, 77, 3_000_000_000, 4_294_967_295]).map((id) => new Editor(id));
  for (let step = 0; step < steps || editors.some(({ outbox }) => outbox.length > 0); step++) {
    const editor = random.pick(editors);
    if (step < steps && random.chance(0.5)) editor.edit(type.shape, random);
    else if (random.chance(0.4)) editor.receive(random.int(1, 6));
    const update = random.chance(0.6) ? editor.outbox.shift() : undefined;
    if (!update) continue;
    replicas.accept(update, `user ${editor.doc.clientID}`);
    for (const committed of replicas.commit()) for (const other of editors) other.inbox.push(committed);
  }
  return { ...type, log: replicas.log };
}

export function documentOf(history: History, updates: readonly Uint8Array[], gc = false): Y.Doc {
  const doc = createDocument({ gc });
  for (const update of updates) Y.applyUpdate(doc, update);
  rootOf(doc, history.shape);
  return doc;
}

export function contentOf(history: History, doc: Y.Doc): string {
  return Buffer.from(readCanonical(doc, history.contentType)).toString('utf8');
}

/** The update that undoes the effects; undefined if there is nothing to do. */
export function undone(
  doc: Y.Doc,
  effects: Effects,
  clientId: number,
): { update: Uint8Array | undefined; copies: readonly Copy[] } {
  doc.clientID = clientId;
  let update: Uint8Array | undefined;
  doc.on('update', (bytes: Uint8Array) => {
    assert.is(update, undefined, 'one transaction');
    update = bytes;
  });
  const copies = undo(doc, effects);
  return { update, copies };
}

/** Reverts the whole history to a version. */
export function revertTo(history: History, version: number, clientId: number): Uint8Array | undefined {
  const past = documentOf(history, history.log.slice(0, version));
  const head = documentOf(history, history.log);
  return undone(head, effectsBetween(past, head), clientId).update;
}
