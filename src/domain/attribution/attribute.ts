/**
 * Who wrote what of a document's content: from the ids of its visible items and the deltas that brought them. What an
 * undo or a revert brings back comes as new items, so it counts as that delta's.
 */
import * as Y from 'yjs';
import { JSON_ROOT_KEY, rootOf } from '../content/document.ts';
import { shapeOf, type Shape } from '../content/shape.ts';
import { escapeToken } from '../difference/json-patch-between.ts';
import type { Origins } from './origins.ts';
import { type AttributedRange, type Grain, RangeWriter, type SharedType, widen } from './ranges.ts';
import { attributeRich } from './rich-ranges.ts';
import { textStretches } from './text-stretches.ts';

/** In document order. `origins` must know every version that is in the document. */
export function attribute(doc: Y.Doc, contentType: string, origins: Origins, grain: Grain): AttributedRange[] {
  const writer = new RangeWriter(origins, grain);
  ATTRIBUTES[shapeOf(contentType)](doc, origins, writer);
  return writer.ranges;
}

const ATTRIBUTES: { readonly [S in Shape]: (doc: Y.Doc, origins: Origins, writer: RangeWriter) => void } = {
  text: attributeText,
  json: attributeJson,
  binary: attributeJson,
  rich: (doc, origins, writer) => attributeRich(rootOf(doc, 'rich'), origins, writer),
  yjs: attributeOpaque,
};

function attributeText(doc: Y.Doc, origins: Origins, writer: RangeWriter): void {
  let last: AttributedRange | undefined;
  let start = 0;
  let end = 0;
  for (const { version, length } of textStretches(rootOf(doc, 'text'), origins)) {
    if (last && writer.isOne(last.version, version)) widen(last, version);
    else {
      start = end;
      last = writer.add({ kind: 'text', text: { start, end } }, version);
    }
    end += length;
    last.place = { kind: 'text', text: { start, end } };
  }
}

/** A binary blob's reference lies where a JSON blob's value does. */
function attributeJson(doc: Y.Doc, origins: Origins, writer: RangeWriter): void {
  const item = rootOf(doc, 'json')._map.get(JSON_ROOT_KEY);
  if (item && !item.deleted) attributeValue({ item, index: 0, pointer: '', outer: undefined }, origins, writer);
}

interface JsonPlace {
  readonly item: Y.Item;
  /** Which of the item's values. */
  readonly index: number;
  readonly pointer: string;
  readonly outer: AttributedRange | undefined;
}

function attributeValue({ item, index, pointer, outer }: JsonPlace, origins: Origins, writer: RangeWriter): void {
  const { version } = origins.at(item.id.client, item.id.clock + index);
  const range = writer.within(outer, { kind: 'pointer', pointer }, version);
  if (!(item.content instanceof Y.ContentType)) return;
  const { type } = item.content as { type: SharedType };
  if (type instanceof Y.Array) {
    let at = 0;
    for (let inner = type._start; inner !== null; inner = inner.right) {
      if (inner.deleted || !inner.countable) continue;
      for (let offset = 0; offset < inner.length; offset++) {
        attributeValue({ item: inner, index: offset, pointer: `${pointer}/${at}`, outer: range }, origins, writer);
        at += 1;
      }
    }
    return;
  }
  // In the order of canonical JSON.
  for (const key of [...type._map.keys()].sort()) {
    const inner = type._map.get(key);
    if (!inner || inner.deleted) continue;
    const last = inner.length - 1;
    attributeValue(
      { item: inner, index: last, pointer: `${pointer}/${escapeToken(key)}`, outer: range },
      origins,
      writer,
    );
  }
}

/** Of an opaque document only its roots have names: each with all who wrote what is in it, the newest first. */
function attributeOpaque(doc: Y.Doc, origins: Origins, writer: RangeWriter): void {
  for (const name of [...doc.share.keys()].sort()) {
    const found = new Map<number, { version: number; firstVersion: number }>();
    const note = (version: number): void => {
      const author = origins.authorNumber(version);
      const known = found.get(author);
      if (!known) found.set(author, { version, firstVersion: version });
      else {
        known.version = Math.max(known.version, version);
        known.firstVersion = Math.min(known.firstVersion, version);
      }
    };
    noteItems(doc.share.get(name) as unknown as SharedType, origins, note);
    for (const range of [...found.values()].sort((a, b) => b.version - a.version)) {
      writer.ranges.push({ place: { kind: 'pointer', pointer: `/${escapeToken(name)}` }, ...range });
    }
  }
}

function noteItems(type: SharedType, origins: Origins, note: (version: number) => void): void {
  const noteItem = (item: Y.Item): void => {
    if (item.deleted) return;
    for (let at = 0; at < item.length;) {
      const origin = origins.at(item.id.client, item.id.clock + at);
      note(origin.version);
      at = origin.end - item.id.clock;
    }
    if (item.content instanceof Y.ContentType) {
      noteItems((item.content as { type: SharedType }).type, origins, note);
    }
  };
  for (let item = type._start; item !== null; item = item.right) noteItem(item);
  for (const item of type._map.values()) noteItem(item);
}
