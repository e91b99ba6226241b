/** Rich content as plain text. */
import { type RichNode, textOf } from './rich-node.ts';

/** Elements that break a line: as Tiptap and as ProseMirror's basic schema name them. */
const BREAKS: ReadonlySet<string> = new Set(['hardBreak', 'hard_break']);

/**
 * A line for each block that holds no other block; a hard break begins another. What is a block and what is within a
 * line only the editor's schema knows: here elements beside text are within its line, and all others are blocks.
 */
export function toPlainText(nodes: readonly RichNode[]): string {
  const lines: string[] = [];
  addBlocks(nodes, lines);
  return lines.join('\n');
}

function addBlocks(nodes: readonly RichNode[], lines: string[]): void {
  if (isLine(nodes)) {
    lines.push(inline(nodes));
    return;
  }
  for (const node of nodes) {
    if (node.kind !== 'element') continue;
    if (node.children.length === 0) lines.push('');
    else addBlocks(node.children, lines);
  }
}

function isLine(nodes: readonly RichNode[]): boolean {
  return nodes.some((node) => (node.kind === 'text' ? node.runs.length > 0 : BREAKS.has(node.name))) || isEmpty(nodes);
}

/** An emptied paragraph keeps its empty text. */
function isEmpty(nodes: readonly RichNode[]): boolean {
  return nodes.length > 0 && nodes.every((node) => node.kind === 'text');
}

function inline(nodes: readonly RichNode[]): string {
  return nodes
    .map((node) => {
      if (node.kind === 'text') return textOf(node);
      return BREAKS.has(node.name) ? '\n' : inline(node.children);
    })
    .join('');
}
