/** The difference of two rich documents, node by node: one tree that holds both. */
import { DIFFERENCE_PAIRS_MAX, DIFFERENCE_COMPARISONS_MAX } from '../../limits.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../content/json-value.ts';
import { sequenceDifference, WorkBudget } from '../edit/sequence-difference.ts';
import { type Replacement, textDifference } from '../edit/text-difference.ts';
import { pairByLikeness } from './likeness.ts';
import { plainTextOf, type RichElement, type RichNode, type RichText, type TextRun } from './rich-tree.ts';
import { ValueNumbers } from './value-numbers.ts';
import { atWordEdges } from './word-edges.ts';

export type Change = 'same' | 'inserted' | 'deleted';

export interface ComparedRun extends TextRun {
  readonly change: Change;
}

export type ComparedNode =
  | { readonly kind: 'text'; readonly runs: readonly ComparedRun[] }
  | {
      readonly kind: 'element';
      readonly change: Change;
      readonly name: string;
      readonly attributes: JsonObject;
      /** Where they changed. */
      readonly before?: JsonObject;
      readonly children: readonly ComparedNode[];
    };

/** In document order; what was deleted stands where it was. Undefined when the two are equal. */
export function compareRich(old: readonly RichNode[], next: readonly RichNode[]): ComparedNode[] | undefined {
  const comparison = new Comparison();
  return comparison.areEqual(old, next) ? undefined : comparison.lists(old, next);
}

class Comparison {
  readonly #numbers = new ValueNumbers();
  readonly #budget = new WorkBudget(DIFFERENCE_COMPARISONS_MAX);
  readonly #texts = new WorkBudget(DIFFERENCE_COMPARISONS_MAX);

  areEqual(old: readonly RichNode[], next: readonly RichNode[]): boolean {
    return old.length === next.length && old.every((node, index) => this.#of(node) === this.#of(next[index]));
  }

  lists(old: readonly RichNode[], next: readonly RichNode[]): ComparedNode[] {
    const hunks = sequenceDifference(
      old.map((node) => this.#of(node)),
      next.map((node) => this.#of(node)),
      this.#budget,
    );
    const compared: ComparedNode[] = [];
    let from = 0;
    for (const hunk of hunks) {
      for (const node of next.slice(from, hunk.from)) compared.push(unchanged(node, 'same'));
      const [removed, added] = [
        old.slice(hunk.at, hunk.at + hunk.deleted),
        next.slice(hunk.from, hunk.from + hunk.inserted),
      ];
      for (const node of this.#hunk(removed, added)) compared.push(node);
      from = hunk.from + hunk.inserted;
    }
    for (const node of next.slice(from)) compared.push(unchanged(node, 'same'));
    return compared;
  }

  /** Nodes of one kind that are alike are one node that changed; the others went or came. */
  #hunk(old: readonly RichNode[], next: readonly RichNode[]): ComparedNode[] {
    const mayLook = old.length * next.length <= DIFFERENCE_PAIRS_MAX;
    const pairs = mayLook ? pairByLikeness(old, next, this.#budget) : [];
    const compared: ComparedNode[] = [];
    let [at, from] = [0, 0];
    for (const pair of [...pairs, { at: old.length, from: next.length }]) {
      for (const node of old.slice(at, pair.at)) compared.push(unchanged(node, 'deleted'));
      for (const node of next.slice(from, pair.from)) compared.push(unchanged(node, 'inserted'));
      const [before, after] = [old[pair.at], next[pair.from]];
      if (before && after) compared.push(this.#node(before, after));
      [at, from] = [pair.at + 1, pair.from + 1];
    }
    return compared;
  }

  #node(old: RichNode, next: RichNode): ComparedNode {
    if (old.kind === 'text' && next.kind === 'text')
      return { kind: 'text', runs: compareTexts(old, next, this.#texts) };
    const [before, after] = [old as RichElement, next as RichElement];
    const isSame = canonicalJson(before.attributes) === canonicalJson(after.attributes);
    return {
      kind: 'element',
      change: 'same',
      name: after.name,
      attributes: after.attributes,
      before: isSame ? undefined : before.attributes,
      children: this.lists(before.children, after.children),
    };
  }

  #of(node: RichNode | undefined): number {
    // Nodes are JSON in all but their type.
    return node ? this.#numbers.of(node as unknown as JsonValue) : -1;
  }
}

function unchanged(node: RichNode, change: Change): ComparedNode {
  if (node.kind === 'text') return { kind: 'text', runs: node.runs.map((run) => ({ ...run, change })) };
  const { name, attributes } = node;
  return {
    kind: 'element',
    change,
    name,
    attributes,
    children: node.children.map((child) => unchanged(child, change)),
  };
}

/** Characters first; where they stayed but their marks did not, both stand there. */
function compareTexts(old: RichText, next: RichText, budget: WorkBudget): ComparedRun[] {
  const [before, after] = [plainTextOf(old), plainTextOf(next)];
  const [oldRuns, nextRuns] = [new RunReader(old.runs), new RunReader(next.runs)];
  const compared: ComparedRun[] = [];
  const add = (runs: readonly ComparedRun[]): void => {
    for (const run of runs) compared.push(run);
  };
  let at = 0;
  for (const replacement of boundedDifference(before, after, budget)) {
    const kept = replacement.at - at;
    add(compareMarks(oldRuns.take(kept), nextRuns.take(kept)));
    add(withChange(oldRuns.take(replacement.deleted), 'deleted'));
    add(withChange(nextRuns.take(replacement.insert.length), 'inserted'));
    at = replacement.at + replacement.deleted;
  }
  add(compareMarks(oldRuns.take(before.length - at), nextRuns.take(before.length - at)));
  return compared;
}

/** All texts of a document share one budget; what is beyond it is replaced as a whole. */
function boundedDifference(old: string, next: string, budget: WorkBudget): Replacement[] {
  if (old === next) return [];
  return budget.take(Math.min(comparisonsOf(old, next), DIFFERENCE_COMPARISONS_MAX))
    ? atWordEdges(old, textDifference(old, next))
    : [{ at: 0, deleted: old.length, insert: next }];
}

/** What lies between the ends that both have is compared, each with each at worst. */
function comparisonsOf(old: string, next: string): number {
  const most = Math.min(old.length, next.length);
  let start = 0;
  while (start < most && old.charCodeAt(start) === next.charCodeAt(start)) start += 1;
  let end = start;
  while (end < most && old.charCodeAt(old.length - 1 - end + start) === next.charCodeAt(next.length - 1 - end + start))
    end += 1;
  return (old.length - end) * (next.length - end);
}

/** Two cuts of the same characters. */
function compareMarks(old: readonly TextRun[], next: readonly TextRun[]): ComparedRun[] {
  const compared: ComparedRun[] = [];
  let [index, inside] = [0, 0];
  for (const run of next) {
    for (let at = 0; at < run.text.length;) {
      const before = old[index] as TextRun;
      const length = Math.min(run.text.length - at, before.text.length - inside);
      const text = run.text.slice(at, at + length);
      if (JSON.stringify(before.marks) === JSON.stringify(run.marks)) compared.push({ ...run, text, change: 'same' });
      else compared.push({ ...before, text, change: 'deleted' }, { ...run, text, change: 'inserted' });
      at += length;
      inside += length;
      if (inside === before.text.length) [index, inside] = [index + 1, 0];
    }
  }
  return compared;
}

/** Hands out runs from the first on, cut where asked. */
class RunReader {
  readonly #runs: readonly TextRun[];
  #index = 0;
  #inside = 0;

  constructor(runs: readonly TextRun[]) {
    this.#runs = runs;
  }

  take(length: number): TextRun[] {
    const taken: TextRun[] = [];
    let left = length;
    for (let run = this.#runs[this.#index]; left > 0 && run; run = this.#runs[this.#index]) {
      const text = run.text.slice(this.#inside, this.#inside + left);
      if (text !== '') taken.push({ ...run, text });
      left -= text.length;
      this.#inside += text.length;
      if (this.#inside >= run.text.length) [this.#index, this.#inside] = [this.#index + 1, 0];
    }
    return taken;
  }
}

function withChange(runs: readonly TextRun[], change: Change): ComparedRun[] {
  return runs.map((run) => ({ ...run, change }));
}
