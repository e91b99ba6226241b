/**
 * Rich content as canonical XML: attributes sorted by name, text runs with the same marks joined, marks nested in the
 * order of their names.
 */
import { RICH_CHARACTERS_MAX } from '../../limits.ts';
import { canonicalAttribute, plainValue } from './plain-value.ts';
import { joinRuns, type RichElement, type RichNode, type RichRun } from './rich-node.ts';
import { tooMuchToWrite } from './size.ts';

export function toXml(nodes: readonly RichNode[]): string {
  let xml = '';
  for (const node of nodes) {
    if (node.kind === 'element') xml = bounded(xml + element(node));
    else for (const part of joinRuns(node.runs)) xml = bounded(xml + run(part));
  }
  return xml;
}

/** A long mark is written again around each run: a few kilobytes of updates could come to gigabytes (G7). */
function bounded(xml: string): string {
  if (xml.length > RICH_CHARACTERS_MAX) throw tooMuchToWrite('RICH_CHARACTERS_MAX');
  return xml;
}

function element(node: RichElement): string {
  const name = xmlName(node.name);
  return `<${name}${attributeList(node.attributes)}>${toXml(node.children)}</${name}>`;
}

function run({ text, marks }: RichRun): string {
  let opening = '';
  let closing = '';
  for (const key of [...marks.keys()].sort()) {
    const name = xmlName(key);
    opening += `<${name}${attributeList(attributesOf(marks.get(key)))}>`;
    closing = `</${name}>${closing}`;
  }
  return opening + escapeXml(text) + closing;
}

function attributesOf(mark: unknown): ReadonlyMap<string, unknown> {
  if (typeof mark === 'object' && mark !== null && !Array.isArray(mark)) return new Map(Object.entries(mark));
  return mark === true ? new Map() : new Map([['value', mark]]);
}

function attributeList(attributes: ReadonlyMap<string, unknown>): string {
  let list = '';
  for (const key of [...attributes.keys()].sort()) {
    const value = attributes.get(key);
    if (value === undefined || value === null) continue;
    list += ` ${xmlName(key)}="${escapeXml(canonicalAttribute(plainValue(value)))}"`;
  }
  return list;
}

/** Characters that a name can't have are written as `_x` and their code. */
function xmlName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.:-]/g, (character) => `_x${character.charCodeAt(0).toString(16)}_`);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
