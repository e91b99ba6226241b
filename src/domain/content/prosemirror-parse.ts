/** Documents in ProseMirror's JSON, checked to be such that they come out of Yjs as they went in. */
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX, CONTENT_DEPTH_MAX, RICH_STRUCTS_MAX } from '../../limits.ts';
import { canonicalJson, depthOf, isArray, isObject, type JsonObject, type JsonValue, parseJson } from './json-value.ts';
import { hashedMarkName, isHashed } from './mark-name.ts';
import { joinRuns, type RichNode, type RichRun } from './rich-node.ts';
import { toXml } from './rich-xml.ts';
import { contentTooLarge, tooManyParts } from './size.ts';

/** Two levels of JSON for each node, and what attributes may have below them. */
const JSON_DEPTH_MAX = 3 * CONTENT_DEPTH_MAX + 8;
/** By which XML can be longer than the JSON it was made from. */
const XML_GROWTH_MAX = 16;
/** y-prosemirror shows what changed by it and never keeps it. */
const RENDERED_ONLY = 'ychange';

/**
 * Throws CONTENT_INVALID for what is no document or would not be kept whole (unknown keys, empty texts, marks of
 * elements, attributes of the document itself, too deep nesting), CONTENT_TOO_LARGE.
 */
export function parseProsemirror(bytes: Uint8Array): RichNode[] {
  const root = parseJson(bytes, JSON_DEPTH_MAX);
  if (!isObject(root) || root['type'] !== 'doc') throw invalid('', 'it must be an object of the type "doc"');
  allowKeys(root, DOCUMENT_KEYS, '');
  if (isObject(root['attrs']) && Object.values(root['attrs']).some((value) => value !== null)) {
    throw invalid('.attrs', 'the document itself keeps no attributes');
  }
  const nodes = new Parser().children(root['content'], 0, '');
  if (bytes.byteLength > CONTENT_BYTES_MAX / XML_GROWTH_MAX && Buffer.byteLength(toXml(nodes)) > CONTENT_BYTES_MAX) {
    throw contentTooLarge();
  }
  return nodes;
}

const DOCUMENT_KEYS: ReadonlySet<string> = new Set(['type', 'content', 'attrs']);
const ELEMENT_KEYS: ReadonlySet<string> = new Set(['type', 'content', 'attrs', 'marks']);
const TEXT_KEYS: ReadonlySet<string> = new Set(['type', 'text', 'marks']);
const MARK_KEYS: ReadonlySet<string> = new Set(['type', 'attrs']);

class Parser {
  #structs = 0;

  children(content: JsonValue | undefined, depth: number, path: string): RichNode[] {
    if (content === undefined || content === null) return [];
    if (!isArray(content)) throw invalid(`${path}.content`, 'content is an array');
    const nodes: RichNode[] = [];
    let runs: RichRun[] = [];
    const flush = (): void => {
      if (runs.length > 0) nodes.push({ kind: 'text', runs: joinRuns(runs) });
      runs = [];
    };
    for (const [index, value] of content.entries()) {
      const at = `${path}.content[${index}]`;
      if (!isObject(value)) throw invalid(at, 'a node is an object');
      if (depth + 1 > CONTENT_DEPTH_MAX) throw invalid(at, `nodes are nested deeper than ${CONTENT_DEPTH_MAX}`);
      if (value['type'] === 'text') runs.push(this.#run(value, at));
      else {
        flush();
        nodes.push(this.#element(value, depth + 1, at));
      }
    }
    flush();
    return nodes;
  }

  #element(node: JsonObject, depth: number, path: string): RichNode {
    const name = nameOf(node, 'node', path);
    allowKeys(node, ELEMENT_KEYS, path);
    const { marks, attrs } = node;
    if (marks !== undefined && marks !== null && !(isArray(marks) && marks.length === 0)) {
      throw invalid(`${path}.marks`, 'Yjs documents keep the marks of texts only');
    }
    const attributes = new Map<string, JsonValue>();
    for (const [key, value] of Object.entries(objectOf(attrs, `${path}.attrs`))) {
      if (value === null || key === RENDERED_ONLY) continue;
      checkValue(key, value, `${path}.attrs`);
      attributes.set(key, value);
    }
    this.#count(1 + attributes.size);
    return { kind: 'element', name, attributes, children: this.children(node['content'], depth, path) };
  }

  #run(node: JsonObject, path: string): RichRun {
    allowKeys(node, TEXT_KEYS, path);
    const { text, marks } = node;
    if (typeof text !== 'string' || text === '') throw invalid(`${path}.text`, 'a text is not empty');
    if (marks !== undefined && marks !== null && !isArray(marks)) throw invalid(`${path}.marks`, 'marks are an array');
    const named = this.#marks(marks ?? [], path);
    this.#count(1 + 2 * named.size);
    return { text, marks: named };
  }

  #marks(marks: readonly JsonValue[], path: string): Map<string, JsonValue> {
    const byType = new Map<string, Map<string, JsonValue>>();
    for (const [index, mark] of marks.entries()) {
      const at = `${path}.marks[${index}]`;
      if (!isObject(mark)) throw invalid(at, 'a mark is an object');
      allowKeys(mark, MARK_KEYS, at);
      const type = nameOf(mark, 'mark', at);
      if (isHashed(type)) throw invalid(`${at}.type`, 'a mark’s type can’t end like the hash of one');
      if (type === RENDERED_ONLY) continue;
      // Beside objects there is what other editors than ProseMirror's set.
      const value = mark['attrs'] ?? {};
      checkValue('attrs', value, at);
      const known = byType.get(type) ?? new Map<string, JsonValue>();
      byType.set(type, known.set(canonicalJson(value), value));
    }
    const named = new Map<string, JsonValue>();
    for (const [type, values] of byType) {
      for (const value of values.values()) named.set(values.size > 1 ? hashedMarkName(type, value) : type, value);
    }
    return named;
  }

  #count(structs: number): void {
    this.#structs += structs;
    if (this.#structs > RICH_STRUCTS_MAX) throw tooManyParts('RICH_STRUCTS_MAX');
  }
}

function nameOf(node: JsonObject, what: string, path: string): string {
  const { type } = node;
  if (typeof type !== 'string' || type === '') throw invalid(`${path}.type`, `a ${what}’s type is a string`);
  if (type === '__proto__') throw invalid(`${path}.type`, 'editors can’t keep that name');
  return type;
}

function objectOf(value: JsonValue | undefined, path: string): JsonObject {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw invalid(path, 'attributes are an object');
  return value;
}

function allowKeys(node: JsonObject, allowed: ReadonlySet<string>, path: string): void {
  for (const key of Object.keys(node)) {
    if (!allowed.has(key)) throw invalid(path, `it has a key that is not kept: "${key.slice(0, 64)}"`);
  }
}

function checkValue(key: string, value: JsonValue, path: string): void {
  if (key === '__proto__' || holdsPrototypeKey(value)) throw invalid(path, 'Yjs can’t keep "__proto__" as a key');
  // Yjs tells what a value is by asking it.
  if (isObject(value) && Object.hasOwn(value, 'constructor')) {
    throw invalid(path, 'Yjs can’t keep "constructor" as a key of an attribute’s value');
  }
  if (depthOf(value) > CONTENT_DEPTH_MAX) throw invalid(path, `it is nested deeper than ${CONTENT_DEPTH_MAX}`);
}

function holdsPrototypeKey(value: JsonValue): boolean {
  if (isArray(value)) return value.some(holdsPrototypeKey);
  return (
    isObject(value) && Object.entries(value).some(([key, inner]) => key === '__proto__' || holdsPrototypeKey(inner))
  );
}

function invalid(path: string, why: string): StudioError {
  const where = path === '' ? '' : ` at ${path.slice(1, 200)}`;
  return new StudioError('CONTENT_INVALID', `The content is no ProseMirror document${where}: ${why}.`, {
    path: path.slice(1, 200),
  });
}
