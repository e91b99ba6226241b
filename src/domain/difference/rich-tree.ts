/** A rich document as a plain tree: what a difference compares, and what it shows. */
import * as Y from 'yjs';
import { rootOf } from '../content/document.ts';
import { emptyObject, type JsonObject, type JsonValue } from '../content/json-value.ts';
import { plainValue } from '../content/plain-value.ts';

export interface TextRun {
  readonly text: string;
  /** Sorted by name. */
  readonly marks: readonly (readonly [name: string, value: JsonValue])[];
}

export interface RichText {
  readonly kind: 'text';
  /** No two neighbours have the same marks. */
  readonly runs: readonly TextRun[];
}

export interface RichElement {
  readonly kind: 'element';
  readonly name: string;
  readonly attributes: JsonObject;
  readonly children: readonly RichNode[];
}

export type RichNode = RichText | RichElement;

export function readRichTree(doc: Y.Doc): RichNode[] {
  return childrenOf(rootOf(doc, 'rich'));
}

function childrenOf(parent: Y.XmlFragment): RichNode[] {
  const nodes: RichNode[] = [];
  for (const child of parent.toArray()) {
    if (child instanceof Y.XmlElement) {
      nodes.push({
        kind: 'element',
        name: child.nodeName,
        attributes: attributesOf(child),
        children: childrenOf(child),
      });
    } else if (child instanceof Y.XmlText) nodes.push({ kind: 'text', runs: runsOf(child) });
  }
  return nodes;
}

function attributesOf(node: Y.XmlElement): JsonObject {
  const attributes = emptyObject();
  for (const key of [...node._map.keys()].sort()) {
    const item = node._map.get(key);
    const value: unknown = item?.deleted ? undefined : item?.content.getContent().at(-1);
    if (value !== undefined && value !== null) attributes[key] = plainValue(value);
  }
  return attributes;
}

/** Item by item: Yjs's own rendering depends on the order marks were set in. */
function runsOf(text: Y.XmlText): TextRun[] {
  const marks = new Map<string, JsonValue>();
  const runs: { text: string; marks: TextRun['marks']; spelled: string }[] = [];
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted) continue;
    if (item.content instanceof Y.ContentFormat) {
      const { key, value } = item.content as { key: string; value: unknown };
      if (value === null) marks.delete(key);
      else marks.set(key, plainValue(value));
    } else if (item.content instanceof Y.ContentString) {
      const set = [...marks].sort(([a], [b]) => (a < b ? -1 : 1));
      const spelled = JSON.stringify(set);
      const last = runs.at(-1);
      if (last?.spelled === spelled) last.text += item.content.str;
      else runs.push({ text: item.content.str, marks: set, spelled });
    }
  }
  return runs.map((run) => ({ text: run.text, marks: run.marks }));
}

export function plainTextOf(node: RichNode): string {
  if (node.kind === 'text') return node.runs.map((run) => run.text).join('');
  return node.children.map(plainTextOf).join('');
}
