/** Rich content as ProseMirror writes documents in JSON, and as Tiptap's `getJSON` gives them. */
import { emptyObject, type JsonValue } from './json-value.ts';
import { markTypeOf } from './mark-name.ts';
import { plainValue } from './plain-value.ts';
import { joinRuns, type RichElement, type RichNode, type RichRun } from './rich-node.ts';

/** `{type: "doc", content: […]}`. */
export function toProsemirrorJson(nodes: readonly RichNode[]): JsonValue {
  return { type: 'doc', content: children(nodes) };
}

function children(nodes: readonly RichNode[]): JsonValue[] {
  const content: JsonValue[] = [];
  let runs: RichRun[] = [];
  const flush = (): void => {
    for (const each of joinRuns(runs)) content.push(run(each));
    runs = [];
  };
  for (const node of nodes) {
    if (node.kind === 'text') {
      // Texts side by side are one to ProseMirror.
      for (const each of node.runs) runs.push(each);
      continue;
    }
    flush();
    content.push(element(node));
  }
  flush();
  return content;
}

function element(node: RichElement): JsonValue {
  const attributes = emptyObject();
  for (const [key, value] of node.attributes) if (value !== undefined) attributes[key] = plainValue(value);
  const content = children(node.children);
  return {
    type: node.name,
    ...(Object.keys(attributes).length > 0 ? { attrs: attributes } : {}),
    ...(content.length > 0 ? { content } : {}),
  };
}

function run({ text, marks }: RichRun): JsonValue {
  if (marks.size === 0) return { type: 'text', text };
  return {
    type: 'text',
    text,
    marks: [...marks].map(([name, value]) => ({ type: markTypeOf(name), attrs: plainValue(value) })),
  };
}
