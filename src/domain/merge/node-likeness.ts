/** Which nodes of a rich document stand for each other. */
import { type RichElement, type RichNode, textOf } from '../content/rich-node.ts';
import { OF_ONE_NAME, RichLikeness } from '../edit/rich-likeness.ts';
import type { RichNumbers } from '../edit/rich-numbers.ts';
import { isOneText, TextLikeness } from './text-likeness.ts';

export class NodeLikeness {
  readonly #numbers: RichNumbers;
  readonly #nodes = new RichLikeness();
  readonly #texts = new TextLikeness();
  readonly #held = new WeakMap<RichElement, ReadonlySet<number>>();
  readonly #spelled = new WeakMap<RichNode, string>();

  constructor(numbers: RichNumbers) {
    this.#numbers = numbers;
  }

  /** Negative if they are different nodes. */
  of(one: RichNode, other: RichNode): number {
    const alike = this.#alike(one, other);
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
    if (node.kind === 'element' && node.attributes.size > 0) return true;
    return (
      this.#textOf(node) !== '' || (node.kind === 'element' && node.children.some((child) => this.isTelling(child)))
    );
  }

  #alike(one: RichNode, other: RichNode): number {
    const byNode = this.#nodes.of(one, other) - OF_ONE_NAME;
    return byNode < 0 ? -1 : Math.max(byNode, this.#texts.of(this.#textOf(one), this.#textOf(other)));
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
