/**
 * Reads rich content out of its Yjs document: item by item, as Yjs's own rendering depends on the order marks were set
 * in.
 */
import * as Y from 'yjs';
import { RICH_MARKS_MAX } from '../../limits.ts';
import { joinRuns, type RichElement, type RichNode, type RichRun, type RichText } from './rich-node.ts';
import { tooMuchToWrite } from './size.ts';

/** Told which shared type each node was read from. */
export type NoteSource = (node: RichNode, source: Y.XmlElement | Y.XmlText) => void;

export function readRich(parent: Y.XmlFragment, note?: NoteSource): RichNode[] {
  const nodes: RichNode[] = [];
  for (const child of parent.toArray()) {
    if (child instanceof Y.XmlElement) nodes.push(readElement(child, note));
    else if (child instanceof Y.XmlText) nodes.push(readText(child, note));
  }
  return nodes;
}

function readElement(element: Y.XmlElement, note: NoteSource | undefined): RichElement {
  const attributes = new Map<string, unknown>();
  for (const [key, item] of element._map) {
    if (!item.deleted) attributes.set(key, item.content.getContent().at(-1));
  }
  const node: RichElement = { kind: 'element', name: element.nodeName, attributes, children: readRich(element, note) };
  note?.(node, element);
  return node;
}

function readText(text: Y.XmlText, note: NoteSource | undefined): RichText {
  const runs: RichRun[] = [];
  const marks = new Map<string, unknown>();
  let characters: string[] = [];
  let marksLeft = RICH_MARKS_MAX;
  const flush = (): void => {
    if (characters.length === 0) return;
    marksLeft -= marks.size;
    if (marksLeft < 0) throw tooMuchToWrite('RICH_MARKS_MAX');
    runs.push({ text: characters.join(''), marks: new Map(marks) });
    characters = [];
  };
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted) continue;
    if (item.content instanceof Y.ContentFormat) {
      const { key, value } = item.content as { key: string; value: unknown };
      flush();
      if (value === null) marks.delete(key);
      else marks.set(key, value);
    } else if (item.content instanceof Y.ContentString) characters.push(item.content.str);
  }
  flush();
  const node: RichText = { kind: 'text', runs: joinRuns(runs) };
  note?.(node, text);
  return node;
}
