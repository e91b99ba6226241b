/** Which nodes of a rich document stand for each other. */
import { type RichElement, type RichNode, textOf } from '../content/rich-node.ts';
import { isOfOneName, OF_ONE_NAME, RichLikeness } from '../edit/rich-likeness.ts';
import type { RichNumbers } from '../edit/rich-numbers.ts';
import type { WorkBudget } from '../edit/sequence-difference.ts';
import { UNKNOWN_LIKENESS } from './merge-heirs.ts';
import { isOneText, TextLikeness } from './text-likeness.ts';

/** What reading a node is reckoned at, beside its text. */
const NODE_CHARACTERS = 32;

export class NodeLikeness {
  readonly #numbers: RichNumbers;
  readonly #nodes = new RichLikeness();
  readonly #texts: TextLikeness;
  readonly #characters: WorkBudget;
  readonly #read = new WeakSet<RichNode>();
  readonly #held = new WeakMap<RichElement, ReadonlySet<number>>();
  readonly #spelled = new WeakMap<RichNode, string>();

  /** `characters`: how many may be read. */
  constructor(numbers: RichNumbers, characters: WorkBudget) {
    this.#numbers = numbers;
    this.#characters = characters;
    this.#texts = new TextLikeness(characters);
  }

  /** Negative if they are different nodes. */
  of(one: RichNode, other: RichNode): number {
    if (!isOfOneName(one, other)) return -1;
    if (!this.#isRead(one) || !this.#isRead(other)) return UNKNOWN_LIKENESS;
    const byText = this.#texts.of(this.#textOf(one), this.#textOf(other));
    if (byText === undefined) return UNKNOWN_LIKENESS;
    const alike = Math.max(this.#nodes.of(one, other) - OF_ONE_NAME, byText);
    return isOneText(alike) || this.#sharesChild(one, other) ? Math.max(alike, 0) : -1;
  }

  /** Of nodes that hold nodes each of those is merged for itself. */
  isMergeable(base: RichNode, ours: RichNode, theirs: RichNode): boolean {
    // The text of one element: the element was asked for already.
    if (base.kind === 'text') return true;
    const [before, own, other] = [base, ours, theirs].map((node) => this.#textOf(node)) as [string, string, string];
    const hasText = [before, own, other].some((text) => text !== '');
    return !hasText || this.#texts.isMergeable(before, own, other) || this.#sharesChild(ours, theirs);
  }

  /** Empty paragraphs are all over a document. */
  isTelling(node: RichNode): boolean {
    if (node.kind === 'text') return this.#textOf(node) !== '';
    return node.attributes.size > 0 || node.children.some((child) => this.isTelling(child));
  }

  /** What it holds is read beside its text. */
  #isRead(node: RichNode): boolean {
    if (this.#read.has(node)) return true;
    if (!this.#characters.take(NODE_CHARACTERS + this.#textOf(node).length)) return false;
    this.#read.add(node);
    return true;
  }

  #sharesChild(one: RichNode, other: RichNode): boolean {
    if (one.kind === 'text' || other.kind === 'text' || one.name !== other.name) return false;
    const held = this.#childrenOf(one);
    for (const child of this.#childrenOf(other)) if (held.has(child)) return true;
    return false;
  }

  #childrenOf(node: RichElement): ReadonlySet<number> {
    let held = this.#held.get(node);
    if (!held) {
      const nodes = node.children.filter((child) => child.kind === 'element' && this.isTelling(child));
      this.#held.set(node, (held = new Set(nodes.map((child) => this.#numbers.of(child)))));
    }
    return held;
  }

  #textOf(node: RichNode): string {
    let text = this.#spelled.get(node);
    if (text === undefined) {
      text =
        node.kind === 'text'
          ? textOf(node)
          : node.children
              .map((child) => this.#textOf(child))
              .join(' ')
              .trim();
      this.#spelled.set(node, text);
    }
    return text;
  }
}
