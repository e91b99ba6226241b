/**
 * The content of a Y.Doc of which nothing is known. What a type is (text, map, array) is not on the wire for roots, so
 * every type is written the same way: `list` (runs of text, values, marks, nested types, in order) and `map`.
 */
import * as Y from 'yjs';
import type { Patch } from '../delta.ts';
import { canonicalJson, emptyObject, type JsonObject, type JsonValue } from './json-value.ts';
import { plainValue } from './plain-value.ts';
import { shapeOf } from './shape.ts';

/** An object of the roots that hold anything, by name. */
export function readOpaque(doc: Y.Doc): JsonObject {
  const roots = emptyObject();
  for (const [name, type] of doc.share) {
    const content = readType(type as Y.AbstractType<unknown>);
    if (content) roots[name] = content;
  }
  return roots;
}

/**
 * Whole content of an opaque document as the update that brings it: its state (encoding v1), which the guard must check.
 * Undefined for other types, and for what the document holds already: the canonical form sent back, or nothing at all.
 */
export function stateAsUpdate(doc: Y.Doc, contentType: string, content: Uint8Array): Uint8Array | undefined {
  if (shapeOf(contentType) !== 'yjs') return undefined;
  const isUntouched = doc.store.clients.size === 0;
  if (content.byteLength === 0 && isUntouched) return undefined;
  if (Buffer.compare(content, Buffer.from(canonicalJson(readOpaque(doc)))) === 0) return undefined;
  return content;
}

/** A raw update, or whole content that is one. */
export function updateOf(doc: Y.Doc, contentType: string, patch: Patch): Uint8Array | undefined {
  if (patch.kind === 'yjs_update') return patch.update;
  return patch.kind === 'content' ? stateAsUpdate(doc, contentType, patch.content) : undefined;
}

function readType(type: Y.AbstractType<unknown>): JsonObject | undefined {
  const list: JsonValue[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') list.push({ text });
    text = '';
  };
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue;
    if (item.content instanceof Y.ContentString) {
      text += item.content.str;
      continue;
    }
    flush();
    // One by one: Yjs joins neighbouring values into one item, which may hold more than a call takes arguments.
    for (const value of readContent(item.content)) list.push(value);
  }
  flush();
  const map = emptyObject();
  for (const [key, item] of type._map) {
    if (!item.deleted) map[key] = readContent(item.content).at(-1) ?? null;
  }
  const result = emptyObject();
  if (list.length > 0) result['list'] = list;
  if (Object.keys(map).length > 0) result['map'] = map;
  return Object.keys(result).length > 0 ? result : undefined;
}

function readContent(content: Y.Item['content']): JsonValue[] {
  if (content instanceof Y.ContentType) {
    const { type } = content as { type: Y.AbstractType<unknown> };
    const named = emptyObject();
    named['type'] = nameOf(type);
    const inner = readType(type);
    if (inner) named['content'] = inner;
    return [named];
  }
  if (content instanceof Y.ContentFormat) {
    const { key, value } = content as { key: string; value: unknown };
    return [{ mark: [key, plainValue(value)] }];
  }
  if (content instanceof Y.ContentString) return [{ text: content.str }];
  return content.getContent().map((value: unknown) => ({ value: plainValue(value) }));
}

function nameOf(type: Y.AbstractType<unknown>): string {
  if (type instanceof Y.XmlElement) return `element ${type.nodeName}`;
  if (type instanceof Y.XmlHook) return `hook ${type.hookName}`;
  if (type instanceof Y.XmlText) return 'xml-text';
  if (type instanceof Y.XmlFragment) return 'fragment';
  if (type instanceof Y.Text) return 'text';
  if (type instanceof Y.Map) return 'map';
  return 'array';
}
