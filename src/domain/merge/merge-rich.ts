/** Rich documents: nodes by what they say, attributes by key, text by word. */
import { joinRuns, type RichElement, type RichNode, type RichText, textOf } from '../content/rich-node.ts';
import { RichNumbers, valueKey } from '../edit/rich-numbers.ts';
import type { Sides } from './merge-sequence.ts';
import { mergeUnits } from './merge-units.ts';
import { mergeWords, piecesOf } from './merge-words.ts';
import { NodeLikeness } from './node-likeness.ts';
import type { Tally } from './tally.ts';

export function mergeRich(sides: Sides<RichNode>, tally: Tally): RichNode[] {
  return new RichMerge(tally).children(sides);
}

class RichMerge {
  readonly #tally: Tally;
  readonly #numbers = new RichNumbers();
  readonly #likeness: NodeLikeness;

  constructor(tally: Tally) {
    this.#tally = tally;
    this.#likeness = new NodeLikeness(this.#numbers, tally.characters);
  }

  children(sides: Sides<RichNode>): RichNode[] {
    return mergeUnits(sides, {
      keyOf: (node) => this.#numbers.of(node),
      isTelling: (node) => this.#likeness.isTelling(node),
      likeness: (one, other) => this.#likeness.of(one, other),
      merge: (base, ours, theirs) => this.#node(base, ours, theirs),
      tally: this.#tally,
    });
  }

  /** Undefined: it is gone. */
  #node(base: RichNode, ours: RichNode | undefined, theirs: RichNode | undefined): RichNode | undefined {
    if (!ours || !theirs) {
      const left = ours ?? theirs;
      const isChanged = left !== undefined && this.#numbers.of(left) !== this.#numbers.of(base);
      // One side's deletion met the other's change: ours stays.
      if (isChanged) this.#tally.skipped += 1;
      return isChanged ? ours : undefined;
    }
    const [before, own, other] = [base, ours, theirs].map((node) => this.#numbers.of(node));
    if (before === own) return theirs;
    if (before === other || own === other) return ours;
    if (!this.#likeness.isMergeable(base, ours, theirs)) {
      this.#tally.skipped += 1;
      return ours;
    }
    if (base.kind === 'text' && ours.kind === 'text' && theirs.kind === 'text') return this.#text(base, ours, theirs);
    if (base.kind !== 'element' || ours.kind !== 'element' || theirs.kind !== 'element') return ours;
    return {
      kind: 'element',
      name: ours.name,
      attributes: this.#attributes(base, ours, theirs),
      children: this.children({ base: base.children, ours: ours.children, theirs: theirs.children }),
    };
  }

  #attributes(base: RichElement, ours: RichElement, theirs: RichElement): Map<string, unknown> {
    const merged = new Map<string, unknown>();
    for (const key of new Set([...ours.attributes.keys(), ...theirs.attributes.keys()])) {
      const [before, own, other] = [base, ours, theirs].map(({ attributes }) => valueKey(attributes.get(key) ?? null));
      if (before !== own && before !== other && own !== other) this.#tally.skipped += 1;
      const value = (before === own ? theirs : ours).attributes.get(key);
      if (value !== undefined && value !== null) merged.set(key, value);
    }
    return merged;
  }

  #text(base: RichText, ours: RichText, theirs: RichText): RichText {
    const characters = [base, ours, theirs].reduce((count, text) => count + textOf(text).length, 0);
    if (!this.#tally.characters.take(characters)) {
      this.#tally.skipped += 1;
      return ours;
    }
    const [one, two, three] = [base, ours, theirs].map(({ runs }) => piecesOf(runs));
    const runs = mergeWords({ base: one ?? [], ours: two ?? [], theirs: three ?? [] }, this.#tally);
    return { kind: 'text', runs: joinRuns(runs) };
  }
}
