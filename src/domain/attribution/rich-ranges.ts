import * as Y from 'yjs';
import type { Origins } from './origins.ts';
import { type AttributedRange, type RangeWriter, type SharedType, widen } from './ranges.ts';
import { textStretches } from './text-stretches.ts';

/** Nodes by their paths, their attributes by name, their text by stretches; each only where it is not as what it lies in. */
export function attributeRich(root: Y.XmlFragment, origins: Origins, writer: RangeWriter): void {
  attributeChildren(root, [], undefined, { origins, writer });
}

interface Tools {
  readonly origins: Origins;
  readonly writer: RangeWriter;
}

function attributeChildren(
  parent: SharedType,
  path: readonly number[],
  outer: AttributedRange | undefined,
  tools: Tools,
): void {
  let index = 0;
  for (let item = parent._start; item !== null; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentType)) continue;
    const inner = [...path, index];
    index += 1;
    const { version } = tools.origins.at(item.id.client, item.id.clock);
    const range = tools.writer.within(outer, { kind: 'rich', path: inner }, version);
    const { type } = item.content as { type: SharedType };
    if (type instanceof Y.XmlText) attributeText(type, inner, range, tools);
    else {
      attributeAttributes(type, inner, range, tools);
      attributeChildren(type, inner, range, tools);
    }
  }
}

function attributeAttributes(
  node: SharedType,
  path: readonly number[],
  outer: AttributedRange,
  { origins, writer }: Tools,
): void {
  for (const key of [...node._map.keys()].sort()) {
    const item = node._map.get(key);
    if (!item || item.deleted) continue;
    const { version } = origins.at(item.id.client, item.id.clock + item.length - 1);
    writer.within(outer, { kind: 'rich', path, attribute: key }, version);
  }
}

function attributeText(
  text: SharedType,
  path: readonly number[],
  outer: AttributedRange,
  { origins, writer }: Tools,
): void {
  let last: AttributedRange | undefined;
  let start = 0;
  let end = 0;
  for (const { version, length } of textStretches(text, origins)) {
    if (last && writer.isOne(last.version, version)) widen(last, version);
    else {
      start = end;
      last = writer.within(outer, { kind: 'rich', path, text: { start, end } }, version);
    }
    end += length;
    if (last !== outer) last.place = { kind: 'rich', path, text: { start, end } };
  }
}
