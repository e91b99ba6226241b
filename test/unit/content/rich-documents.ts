/** Random rich documents, of a schema like Tiptap's, and random changes of them. */
import { Node, Schema } from 'prosemirror-model';
import type { Random } from '../../harness/random.ts';

export const SCHEMA = new Schema({
  nodes: {
    doc: { content: 'block*' },
    paragraph: { content: 'inline*', group: 'block', attrs: { textAlign: { default: null } } },
    heading: { content: 'inline*', group: 'block', attrs: { level: { default: 1 }, textAlign: { default: null } } },
    blockquote: { content: 'block*', group: 'block' },
    bulletList: { content: 'listItem*', group: 'block' },
    listItem: { content: 'block*' },
    figure: { group: 'block', attrs: { src: {}, size: { default: null } } },
    hardBreak: { inline: true, group: 'inline' },
    mention: { inline: true, group: 'inline', attrs: { id: {}, tags: { default: [] } } },
    text: { group: 'inline' },
  },
  marks: {
    bold: {},
    italic: {},
    link: { attrs: { href: {}, target: { default: null } } },
    comment: { attrs: { id: {} }, excludes: '' },
  },
});

export interface NodeJson {
  readonly type: string;
  readonly attrs?: Readonly<Record<string, unknown>>;
  readonly content?: readonly NodeJson[];
  readonly marks?: readonly { readonly type: string; readonly attrs?: Readonly<Record<string, unknown>> }[];
  readonly text?: string;
}

/** As ProseMirror itself would say it: defaults filled in, texts joined; marks, which Yjs keeps in no order, sorted. */
export function normalized(json: unknown): unknown {
  return JSON.parse(JSON.stringify(Node.fromJSON(SCHEMA, sortedMarks(json)).toJSON()));
}

function sortedMarks(json: unknown): unknown {
  return JSON.parse(
    JSON.stringify(json, (key, value: unknown) =>
      key === 'marks' && Array.isArray(value)
        ? value.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
        : value,
    ),
  );
}

export function randomDocument(random: Random): NodeJson {
  return { type: 'doc', content: blocks(random, 0, random.int(1, 7)) };
}

function blocks(random: Random, depth: number, count: number): NodeJson[] {
  return Array.from({ length: count }, () => block(random, depth));
}

function block(random: Random, depth: number): NodeJson {
  const kind = random.int(0, depth > 2 ? 3 : 6);
  if (kind === 0) return { type: 'heading', attrs: { level: random.int(1, 4) }, content: inlines(random) };
  if (kind === 1)
    return { type: 'figure', attrs: { src: random.text(4), size: random.pick([null, 3, { w: 1, h: [2] }]) } };
  if (kind === 3) return { type: 'blockquote', content: blocks(random, depth + 1, random.int(0, 3)) };
  if (kind === 4) {
    const items = Array.from({ length: random.int(1, 4) }, () => ({
      type: 'listItem',
      content: blocks(random, depth + 1, random.int(1, 3)),
    }));
    return { type: 'bulletList', content: items };
  }
  const textAlign = random.pick([null, null, 'left', 'right']);
  return { type: 'paragraph', attrs: { textAlign }, content: inlines(random) };
}

function inlines(random: Random): NodeJson[] {
  return Array.from({ length: random.int(0, 5) }, () => inline(random));
}

function inline(random: Random): NodeJson {
  if (random.chance(0.1)) return { type: 'hardBreak' };
  if (random.chance(0.1)) return { type: 'mention', attrs: { id: random.text(3), tags: [1, 'x'] } };
  const marks = [
    ...(random.chance(0.3) ? [{ type: 'bold' }] : []),
    ...(random.chance(0.2) ? [{ type: 'italic' }] : []),
    ...(random.chance(0.2) ? [{ type: 'link', attrs: { href: random.pick(['a', 'b']) } }] : []),
    ...['1', '2', '3'].filter(() => random.chance(0.15)).map((id) => ({ type: 'comment', attrs: { id } })),
  ];
  return { type: 'text', text: random.text(random.int(1, 12)) || 'x', marks };
}

/** Something of it is otherwise: nodes gone, new, changed or in another order, texts edited, marks set. */
export function changedDocument(document: NodeJson, random: Random): NodeJson {
  return { type: 'doc', content: changedBlocks(document.content ?? [], random, 0) };
}

function changedBlocks(nodes: readonly NodeJson[], random: Random, depth: number): NodeJson[] {
  const changed = nodes.filter(() => !random.chance(0.1)).map((node) => changedBlock(node, random, depth));
  if (random.chance(0.3)) changed.splice(random.int(0, changed.length + 1), 0, block(random, depth));
  return random.chance(0.1) ? random.shuffle(changed) : changed;
}

function changedBlock(node: NodeJson, random: Random, depth: number): NodeJson {
  if (!random.chance(0.5)) return node;
  switch (node.type) {
    case 'paragraph':
    case 'heading':
      return {
        ...node,
        attrs: { ...node.attrs, textAlign: random.pick([null, 'left']) },
        content: changedInlines(node, random),
      };
    case 'figure':
      return { ...node, attrs: { ...node.attrs, size: random.int(0, 3) } };
    case 'bulletList':
      return { ...node, content: (node.content ?? []).map((item) => changedBlock(item, random, depth)) };
    default:
      return { ...node, content: changedBlocks(node.content ?? [], random, depth + 1) };
  }
}

function changedInlines(node: NodeJson, random: Random): NodeJson[] {
  const changed = (node.content ?? []).map((each): NodeJson => {
    if (each.text === undefined || !random.chance(0.5)) return each;
    if (random.chance(0.5)) return { ...each, marks: inline(random).marks };
    const letters = Array.from(each.text);
    letters.splice(random.int(0, letters.length), random.int(0, 3), random.text(random.int(0, 4)));
    return { ...each, text: letters.join('') || 'y' };
  });
  if (random.chance(0.3)) changed.splice(random.int(0, changed.length + 1), random.int(0, 2), inline(random));
  return changed;
}
