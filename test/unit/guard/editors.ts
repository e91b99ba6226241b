/** Stock Yjs clients that edit at random, and hand on what they author as a sync provider would. */
import * as Y from 'yjs';
import type { Shape } from '../../../src/domain/content/shape.ts';
import type { Random } from '../../harness/random.ts';

export const FUZZED_TYPES: readonly { readonly shape: Shape; readonly contentType: string }[] = [
  { shape: 'text', contentType: 'text/plain' },
  { shape: 'json', contentType: 'application/json' },
  { shape: 'rich', contentType: 'application/vnd.studio.prosemirror+yjs' },
  { shape: 'yjs', contentType: 'application/vnd.yjs' },
];

export class Editor {
  readonly doc = new Y.Doc();
  /** Authored and not delivered yet, in order. */
  readonly outbox: Uint8Array[] = [];
  /** Committed updates it has not taken in yet. */
  readonly inbox: Uint8Array[] = [];

  constructor(clientId: number) {
    this.doc.clientID = clientId;
    // Formats that this document removes by itself are edits of its own, and go out like any other.
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'server') this.outbox.push(update);
    });
  }

  receive(count: number): void {
    for (const update of this.inbox.splice(0, count)) Y.applyUpdate(this.doc, update, 'server');
  }

  edit(shape: Shape, random: Random): void {
    this.doc.transact(() => {
      for (let steps = random.int(1, 4); steps > 0; steps--) EDITS[shape](this.doc, random);
    });
  }
}

const EDITS: Record<Shape, (doc: Y.Doc, random: Random) => void> = {
  text: (doc, random) => editText(doc.getText('content'), random),
  json: (doc, random) => editJsonRoot(doc.getMap('content'), random),
  rich: (doc, random) => editNode(doc.getXmlFragment('default'), random),
  yjs: (doc, random) => {
    const root = random.pick(['one', 'two', 'three']);
    if (root === 'one') editText(doc.getText('one'), random);
    else if (root === 'two') editMap(doc.getMap('two'), random);
    else editNode(doc.getXmlFragment('three'), random);
  },
  binary: () => undefined,
};

function editText(text: Y.Text, random: Random): void {
  const { length } = text;
  // Yjs replaces both halves of a surrogate pair when an editor addresses the place between them, at once and only in
  // that editor's document; editors don't.
  const characters = text
    .toDelta()
    .map((part: { insert: string }) => part.insert)
    .join('');
  const at = wholeCharacters(characters, random.int(0, length + 1));
  const count = wholeCharacters(characters, at + random.int(0, Math.min(5, length - at) + 1)) - at;
  const step = random.next();
  if (step < 0.5 || length === 0) text.insert(at, random.text(random.int(1, 8)));
  else if (step < 0.75) text.delete(at, count);
  else text.format(at, count, { [random.pick(['bold', 'link'])]: random.pick([true, null, { href: 'x', n: 1 }]) });
}

function wholeCharacters(text: string, offset: number): number {
  const code = text.charCodeAt(offset);
  return code >= 0xdc00 && code <= 0xdfff ? offset + 1 : offset;
}

function scalar(random: Random): string | number | boolean | null {
  return random.pick([null, true, false, 0, -1, 1.5, 2 ** 40, 1e300, random.text(3), '__proto__']);
}

function sharedValue(random: Random): unknown {
  const step = random.next();
  if (step < 0.6) return scalar(random);
  if (step < 0.8) {
    const array = new Y.Array<unknown>();
    array.push([scalar(random), scalar(random)]);
    return array;
  }
  return new Y.Map([[random.pick(['a', 'b', '__proto__']), scalar(random)]]);
}

function editJsonRoot(root: Y.Map<unknown>, random: Random): void {
  const value = root.get('root');
  if (value instanceof Y.AbstractType && !random.chance(0.03)) editShared(value, random);
  else if (random.chance(0.05)) root.delete('root');
  else root.set('root', random.chance(0.8) ? new Y.Map() : sharedValue(random));
}

function editShared(type: unknown, random: Random): void {
  if (type instanceof Y.Map) editMap(type, random);
  else if (type instanceof Y.Array) editArray(type, random);
}

function editMap(map: Y.Map<unknown>, random: Random): void {
  const key = random.pick(['a', 'b', 'c', '__proto__']);
  const value = map.get(key);
  if (value instanceof Y.AbstractType && random.chance(0.7)) editShared(value, random);
  else if (random.chance(0.2)) map.delete(key);
  else map.set(key, sharedValue(random));
}

function editArray(array: Y.Array<unknown>, random: Random): void {
  const at = random.int(0, array.length + 1);
  const value = at < array.length ? array.get(at) : undefined;
  if (value instanceof Y.AbstractType && random.chance(0.6)) editShared(value, random);
  else if (random.chance(0.35) && at < array.length)
    array.delete(at, random.int(1, Math.min(3, array.length - at) + 1));
  else
    array.insert(
      at,
      Array.from({ length: random.int(1, 4) }, () => sharedValue(random)),
    );
}

function editNode(node: Y.XmlFragment, random: Random): void {
  if (node instanceof Y.XmlElement && random.chance(0.3)) {
    const key = random.pick(['level', 'align']);
    if (random.chance(0.3)) node.removeAttribute(key);
    else node.setAttribute(key, random.pick(['x', 1, { deep: [1] }]) as string);
    return;
  }
  const at = random.int(0, node.length + 1);
  const child = at < node.length ? node.get(at) : undefined;
  if (child instanceof Y.XmlText && random.chance(0.8)) editText(child, random);
  else if (child instanceof Y.XmlElement && random.chance(0.7)) editNode(child, random);
  else if (random.chance(0.2) && at < node.length) node.delete(at, 1);
  else
    node.insert(at, [random.chance(0.5) ? new Y.XmlText(random.text(4)) : new Y.XmlElement(random.pick(['p', 'h1']))]);
}
