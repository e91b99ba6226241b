/** A compared rich document as HTML that is safe to show: nothing in it but the elements and attributes named here. */
import { StudioError } from '../../errors.ts';
import { DIFFERENCE_BYTES_MAX } from '../../limits.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../content/json-value.ts';
import type { Change, ComparedNode, ComparedRun } from './rich-difference.ts';

/** By the names that Tiptap and ProseMirror's basic schema give their nodes, underscores and case aside. */
const BLOCKS: Readonly<Record<string, string>> = {
  paragraph: 'p',
  blockquote: 'blockquote',
  bulletlist: 'ul',
  orderedlist: 'ol',
  listitem: 'li',
  codeblock: 'pre',
  table: 'table',
  tablerow: 'tr',
  tablecell: 'td',
  tableheader: 'th',
};
const VOIDS: Readonly<Record<string, string>> = { horizontalrule: 'hr', hardbreak: 'br' };
const MARKS: Readonly<Record<string, string>> = {
  bold: 'strong',
  strong: 'strong',
  italic: 'em',
  em: 'em',
  underline: 'u',
  strike: 's',
  code: 'code',
  subscript: 'sub',
  superscript: 'sup',
  highlight: 'mark',
};
const CHANGED_TEXT: Readonly<Record<Change, string>> = { same: '', inserted: 'ins', deleted: 'del' };

/** Throws LIMIT_EXCEEDED beyond DIFFERENCE_BYTES_MAX. */
export function markedHtml(nodes: readonly ComparedNode[]): string {
  const writer = new HtmlWriter();
  writer.nodes(nodes);
  return writer.html;
}

class HtmlWriter {
  html = '';

  nodes(nodes: readonly ComparedNode[]): void {
    for (const node of nodes) {
      if (node.kind === 'text') for (const run of node.runs) this.#run(run);
      else this.#element(node);
      if (this.html.length > DIFFERENCE_BYTES_MAX) {
        throw new StudioError('LIMIT_EXCEEDED', `A difference may have at most ${DIFFERENCE_BYTES_MAX} bytes.`, {
          limit: 'DIFFERENCE_BYTES_MAX',
        });
      }
    }
  }

  #element(node: ComparedNode & { readonly kind: 'element' }): void {
    const { tag, attributes, isVoid } = tagOf(node.name, node.attributes);
    const change = node.change === 'same' ? (node.before ? 'changed' : undefined) : node.change;
    if (change) attributes.push(['data-diff', change]);
    if (node.before) attributes.push(['data-diff-before', canonicalJson(node.before)]);
    this.html += `<${tag}${attributes.map(([name, value]) => ` ${name}="${escapeHtml(value)}"`).join('')}>`;
    if (isVoid) return;
    this.nodes(node.children);
    this.html += `</${tag}>`;
  }

  #run({ text, marks, change }: ComparedRun): void {
    const outer = CHANGED_TEXT[change];
    const tags = marks.map(([name, value]) => markTag(name, value));
    const opening = tags.map(({ tag, attribute }) => `<${tag}${attribute}>`).join('');
    const closing = tags
      .reverse()
      .map(({ tag }) => `</${tag}>`)
      .join('');
    const inner = `${opening}${escapeHtml(text)}${closing}`;
    this.html += outer ? `<${outer}>${inner}</${outer}>` : inner;
  }
}

function tagOf(
  name: string,
  attributes: JsonObject,
): { tag: string; attributes: (readonly [string, string])[]; isVoid: boolean } {
  const known = name.toLowerCase().replaceAll('_', '');
  if (known === 'heading') {
    const level = Number(attributes['level']);
    return { tag: `h${level >= 1 && level <= 6 ? Math.trunc(level) : 1}`, attributes: [], isVoid: false };
  }
  if (known === 'image') {
    const source = safeAddress(attributes['src']);
    const described: (readonly [string, string])[] = [['alt', wordsOf(attributes['alt'])]];
    return { tag: 'img', attributes: source ? [['src', source], ...described] : described, isVoid: true };
  }
  const block = ownOf(BLOCKS, known);
  if (block) return { tag: block, attributes: [], isVoid: false };
  const single = ownOf(VOIDS, known);
  if (single) return { tag: single, attributes: [], isVoid: true };
  return { tag: 'div', attributes: [['data-node', name]], isVoid: false };
}

function markTag(name: string, value: JsonValue): { tag: string; attribute: string } {
  const known = name.toLowerCase();
  if (known === 'link') {
    const inner = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
    const address = safeAddress(Object.hasOwn(inner, 'href') ? inner['href'] : undefined);
    return { tag: 'a', attribute: address ? ` href="${escapeHtml(address)}"` : '' };
  }
  const tag = ownOf(MARKS, known);
  return tag ? { tag, attribute: '' } : { tag: 'span', attribute: ` data-mark="${escapeHtml(name)}"` };
}

function ownOf(tags: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(tags, name) ? tags[name] : undefined;
}

/** Nothing that a browser would run. */
function safeAddress(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && /^(https?:\/\/|mailto:)/i.test(value) ? value : undefined;
}

function wordsOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
