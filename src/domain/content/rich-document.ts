/**
 * Rich content as canonical XML: attributes sorted by name, text runs with the same marks joined, marks nested in the
 * order of their names. Read item by item, as Yjs's own rendering depends on the order marks were set in.
 */
import * as Y from 'yjs';
import { type Attributes, canonicalAttribute, plainValue } from './plain-value.ts';

export function readXml(fragment: Y.XmlFragment): string {
  return children(fragment);
}

function children(parent: Y.XmlFragment): string {
  let xml = '';
  for (const child of parent.toArray()) {
    if (child instanceof Y.XmlElement) xml += element(child);
    else if (child instanceof Y.XmlText) xml += textRuns(child);
  }
  return xml;
}

function element(node: Y.XmlElement): string {
  const attributes: Attributes = new Map();
  for (const [key, item] of node._map) {
    if (item.deleted) continue;
    const value: unknown = item.content.getContent().at(-1);
    if (value !== undefined && value !== null) attributes.set(key, value);
  }
  const name = xmlName(node.nodeName);
  return `<${name}${attributeList(attributes)}>${children(node)}</${name}>`;
}

function textRuns(text: Y.XmlText): string {
  const marks: Attributes = new Map();
  let xml = '';
  let run = '';
  let runMarks = '';
  let opened: readonly string[] = [];
  const flush = (): void => {
    if (run !== '') xml += runMarks + escapeXml(run) + opened.map((name) => `</${name}>`).join('');
    run = '';
  };
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted) continue;
    if (item.content instanceof Y.ContentFormat) {
      const { key, value } = item.content as { key: string; value: unknown };
      if (value === null) marks.delete(key);
      else marks.set(key, value);
    } else if (item.content instanceof Y.ContentString) {
      const tags = openingTags(marks);
      if (tags.xml !== runMarks) {
        flush();
        runMarks = tags.xml;
        opened = tags.names;
      }
      run += item.content.str;
    }
  }
  flush();
  return xml;
}

function openingTags(marks: Attributes): { xml: string; names: readonly string[] } {
  if (marks.size === 0) return { xml: '', names: [] };
  const names: string[] = [];
  let xml = '';
  for (const key of [...marks.keys()].sort()) {
    const value = marks.get(key);
    const attributes: Attributes = new Map();
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) if (inner !== null) attributes.set(name, inner);
    } else if (value !== true) attributes.set('value', value);
    const name = xmlName(key);
    names.unshift(name);
    xml += `<${name}${attributeList(attributes)}>`;
  }
  return { xml, names };
}

function attributeList(attributes: Attributes): string {
  return [...attributes.keys()]
    .sort()
    .map((key) => ` ${xmlName(key)}="${escapeXml(canonicalAttribute(plainValue(attributes.get(key))))}"`)
    .join('');
}

/** Characters that a name can't have are written as `_x` and their code. */
function xmlName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.:-]/g, (character) => `_x${character.charCodeAt(0).toString(16)}_`);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
