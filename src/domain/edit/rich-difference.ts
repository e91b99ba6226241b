/**
 * Makes a rich document another by changing as little as possible, so that what others change meanwhile survives: nodes
 * that are the same stay, nodes that are alike are changed in place, texts by characters, attributes by key, marks by
 * ranges.
 */
import * as Y from 'yjs';
import { DIFFERENCE_COMPARISONS_MAX } from '../../limits.ts';
import { rootOf } from '../content/document.ts';
import { readRich } from '../content/rich-document.ts';
import type { RichElement, RichNode } from '../content/rich-node.ts';
import { alignUnits, type Pair } from './alignment.ts';
import { MarkNames, toAttributes } from './mark-names.ts';
import { fitHunks, placesIn } from './places.ts';
import { RichLikeness } from './rich-likeness.ts';
import { joinTexts, RichNumbers, valueKey } from './rich-numbers.ts';
import { turnText } from './rich-text-difference.ts';
import { type Hunk, sequenceDifference, WorkBudget } from './sequence-difference.ts';
import type { DifferenceLimits } from './text-difference.ts';

type Source = Y.XmlElement | Y.XmlText;

/** What an editor sees as one node: an element, or texts side by side. */
interface Unit {
  readonly node: RichNode;
  readonly sources: readonly Source[];
}

/** One transaction. `target` has been checked: see parseProsemirror. */
export function authorRich(doc: Y.Doc, target: readonly RichNode[]): void {
  const root = rootOf(doc, 'rich');
  const sources = new Map<RichNode, Source>();
  const current = readRich(root, (node, source) => sources.set(node, source));
  const names = new MarkNames(current, target);
  const limits = { budget: new WorkBudget(DIFFERENCE_COMPARISONS_MAX), places: placesIn(doc) };
  doc.transact((transaction) => {
    new RichDifference({ sources, names, limits, transaction }).turnChildren(root, current, target);
  });
}

class RichDifference {
  readonly #sources: ReadonlyMap<RichNode, Source>;
  readonly #names: MarkNames;
  readonly #limits: DifferenceLimits;
  readonly #transaction: Y.Transaction;
  readonly #numbers = new RichNumbers();
  readonly #likeness = new RichLikeness();

  constructor(options: {
    readonly sources: ReadonlyMap<RichNode, Source>;
    readonly names: MarkNames;
    readonly limits: DifferenceLimits;
    readonly transaction: Y.Transaction;
  }) {
    this.#sources = options.sources;
    this.#names = options.names;
    this.#limits = options.limits;
    this.#transaction = options.transaction;
  }

  turnChildren(parent: Y.XmlFragment, current: readonly RichNode[], target: readonly RichNode[]): void {
    const units = this.#units(current);
    const [only] = units;
    if (target.length === 0 && units.length === 1 && only?.node.kind === 'text') {
      // An editor that empties a paragraph keeps its text, and so what others are typing into it.
      this.#turnUnit(only, { kind: 'text', runs: [] });
      return;
    }
    const hunks = sequenceDifference(
      units.map((unit) => this.#numbers.of(unit.node)),
      target.map((node) => this.#numbers.of(node)),
      this.#limits.budget,
    );
    for (const hunk of fitHunks(hunks, this.#limits.places)) this.#turnHunk(parent, units, target, hunk);
  }

  #units(nodes: readonly RichNode[]): Unit[] {
    let at = 0;
    return joinTexts(nodes).map((node) => {
      const start = at;
      at += 1;
      if (node.kind === 'text') while (nodes[at]?.kind === 'text') at += 1;
      return { node, sources: nodes.slice(start, at).map((each) => this.#sources.get(each) as Source) };
    });
  }

  #turnHunk(parent: Y.XmlFragment, units: readonly Unit[], target: readonly RichNode[], hunk: Hunk): void {
    const old = units.slice(hunk.at, hunk.at + hunk.deleted);
    const next = target.slice(hunk.from, hunk.from + hunk.inserted);
    let left = units[hunk.at - 1]?.sources.at(-1);
    let at = 0;
    let from = 0;
    for (const pair of [...this.#pairs(old, next), { at: old.length, from: next.length }]) {
      for (const unit of old.slice(at, pair.at)) this.#remove(unit);
      this.#insert(parent, left, next.slice(from, pair.from));
      const unit = old[pair.at];
      const node = next[pair.from];
      if (unit && node) {
        this.#turnUnit(unit, node);
        left = unit.sources.at(-1);
      }
      at = pair.at + 1;
      from = pair.from + 1;
    }
  }

  #pairs(old: readonly Unit[], next: readonly RichNode[]): Pair[] {
    const { budget, places } = this.#limits;
    if (!places.take(Math.min(old.length, next.length))) return [];
    const like = (at: number, from: number): number =>
      this.#likeness.of((old[at] as Unit).node, next[from] as RichNode);
    return alignUnits(old.length, next.length, like, budget);
  }

  /** They are of one kind and name: those alone are alike. */
  #turnUnit(unit: Unit, target: RichNode): void {
    if (target.kind === 'text' && unit.node.kind === 'text') {
      const texts = unit.sources.filter((source) => source instanceof Y.XmlText);
      turnText(texts, unit.node, target, this.#names, this.#limits);
      return;
    }
    const [element] = unit.sources;
    if (target.kind !== 'element' || unit.node.kind !== 'element' || !(element instanceof Y.XmlElement)) return;
    turnAttributes(element, unit.node, target);
    this.turnChildren(element, unit.node.children, target.children);
  }

  #remove({ node, sources }: Unit): void {
    // Nobody sees an empty text, and others may be typing into it.
    if (node.kind === 'text' && node.runs.length === 0) return;
    // Not by place: a fragment would be walked through from its start.
    for (const source of sources) source._item?.delete(this.#transaction);
  }

  /** After `left`; first if there is none. */
  #insert(parent: Y.XmlFragment, left: Source | undefined, nodes: readonly RichNode[]): void {
    if (nodes.length === 0) return;
    const shared = nodes.map((node) => this.#toShared(node));
    if (left) parent.insertAfter(left, shared);
    else parent.insert(0, shared);
  }

  #toShared(node: RichNode): Source {
    if (node.kind === 'text') {
      const text = new Y.XmlText();
      text.applyDelta(
        node.runs.map((run) => ({ insert: run.text, attributes: toAttributes(this.#names.marksOf(run)) })),
      );
      return text;
    }
    const element = new Y.XmlElement(node.name);
    for (const [key, value] of node.attributes) setAttribute(element, key, value);
    const children = node.children.map((child) => this.#toShared(child));
    for (let start = 0; start < children.length; start += INSERTED_NODES_MAX) {
      element.insert(start, children.slice(start, start + INSERTED_NODES_MAX));
    }
    return element;
  }
}

/** Yjs hands what is inserted to a function as its arguments, of which there can't be more than some 100,000. */
const INSERTED_NODES_MAX = 10_000;

function turnAttributes(element: Y.XmlElement, current: RichElement, target: RichElement): void {
  for (const [key, value] of current.attributes) {
    if (value !== undefined && value !== null && !target.attributes.has(key)) element.removeAttribute(key);
  }
  for (const [key, value] of target.attributes) {
    const old = current.attributes.get(key);
    if (old === undefined || old === null || valueKey(old) !== valueKey(value)) setAttribute(element, key, value);
  }
}

/** Yjs takes any plain value; its types say strings. */
function setAttribute(element: Y.XmlElement, key: string, value: unknown): void {
  element.setAttribute(key, value as string);
}
