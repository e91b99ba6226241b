/** Under which names the marks of a target are to be kept in a document that has marks of its own. */
import { hashedMarkName, isHashed, markTypeOf } from '../content/mark-name.ts';
import type { RichNode, RichRun } from '../content/rich-node.ts';
import { markKey } from './rich-numbers.ts';

export class MarkNames {
  /** Types that overlap themselves somewhere: one name would hold only one of them. */
  readonly #hashed = new Set<string>();
  /** The names that marks have in the document already. */
  readonly #known = new Map<string, string>();

  constructor(current: readonly RichNode[], target: readonly RichNode[]) {
    for (const run of runsOf(current)) {
      for (const [name, value] of run.marks) if (isHashed(name)) this.#known.set(markKey(name, value), name);
    }
    for (const run of [...runsOf(current), ...runsOf(target)]) {
      for (const name of run.marks.keys()) if (isHashed(name)) this.#hashed.add(markTypeOf(name));
    }
  }

  marksOf(run: RichRun): Map<string, unknown> {
    const named = new Map<string, unknown>();
    for (const [name, value] of run.marks) named.set(this.#nameOf(name, value), value);
    return named;
  }

  #nameOf(name: string, value: unknown): string {
    const type = markTypeOf(name);
    if (!this.#hashed.has(type)) return type;
    return this.#known.get(markKey(name, value)) ?? hashedMarkName(type, value);
  }

  /** What makes `current` marks those of the run: null takes one away. Undefined: nothing. */
  changes(current: ReadonlyMap<string, unknown>, run: RichRun): Record<string, unknown> | undefined {
    const wanted = this.marksOf(run);
    const keys = new Set([...wanted].map(([name, value]) => markKey(name, value)));
    const changed = new Map<string, unknown>();
    const kept = new Set<string>();
    for (const [name, value] of current) {
      const key = markKey(name, value);
      if (keys.has(key)) kept.add(key);
      else changed.set(name, null);
    }
    for (const [name, value] of wanted) if (!kept.has(markKey(name, value))) changed.set(name, value);
    return changed.size === 0 ? undefined : toAttributes(changed);
  }
}

/** Without a prototype: Yjs asks for keys it may not have. */
export function toAttributes(marks: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const attributes = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of marks) attributes[name] = value;
  return attributes;
}

function* runsOf(nodes: readonly RichNode[]): Iterable<RichRun> {
  for (const node of nodes) {
    if (node.kind === 'text') yield* node.runs;
    else yield* runsOf(node.children);
  }
}
