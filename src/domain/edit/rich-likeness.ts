/** How much one rich node is the other, changed. */
import { type RichElement, type RichNode, textOf } from '../content/rich-node.ts';
import { type Bag, Bags, likenessOf, wordsOf } from './likeness.ts';
import { valueKey } from './rich-numbers.ts';

/** Also of nodes that have nothing in common: changing one in place keeps what others do in it. */
export const OF_ONE_NAME = 0.05;

export class RichLikeness {
  readonly #kinds = new Bags();
  readonly #bags = new WeakMap<RichNode, Bag>();

  /** Negative if neither can be made the other. */
  of(one: RichNode, other: RichNode): number {
    return isOfOneName(one, other) ? OF_ONE_NAME + likenessOf(this.#bagOf(one), this.#bagOf(other)) : -1;
  }

  #bagOf(node: RichNode): Bag {
    let bag = this.#bags.get(node);
    if (!bag) this.#bags.set(node, (bag = this.#kinds.of(node.kind === 'text' ? wordsOf(textOf(node)) : heldBy(node))));
    return bag;
  }
}

export function isOfOneName(one: RichNode, other: RichNode): boolean {
  return one.kind === 'element' ? other.kind === 'element' && one.name === other.name : other.kind === 'text';
}

function* heldBy(element: RichElement): Iterable<string> {
  for (const [key, value] of element.attributes) yield `${key}=${valueKey(value)}`;
  for (const child of element.children) {
    if (child.kind === 'text') yield* wordsOf(textOf(child));
    else {
      yield `<${child.name}`;
      yield* heldBy(child);
    }
  }
}
