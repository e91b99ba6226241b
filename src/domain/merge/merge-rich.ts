/** Rich documents: nodes by their place among their siblings, attributes by key, text by word. */
import type { RichElement, RichNode, RichRun, RichText } from '../content/rich-node.ts';
import { RichLikeness } from '../edit/rich-likeness.ts';
import { markKey, RichNumbers, valueKey } from '../edit/rich-numbers.ts';
import { words } from '../edit/text-units.ts';
import { mergeHeirs } from './merge-heirs.ts';
import { mergeSequence, type Sides } from './merge-sequence.ts';
import type { Tally } from './tally.ts';

export function mergeRich(sides: Sides<RichNode>, tally: Tally): RichNode[] {
  return new RichMerge(tally).children(sides);
}

class RichMerge {
  readonly #tally: Tally;
  readonly #numbers = new RichNumbers();
  readonly #likeness = new RichLikeness();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  children(sides: Sides<RichNode>): RichNode[] {
    return mergeSequence(sides, {
      keyOf: (node) => this.#numbers.of(node),
      keepsBothInsertions: true,
      budget: this.#tally.budget,
      resolve: (changed) =>
        mergeHeirs(changed, {
          keyOf: (node) => this.#numbers.of(node),
          likeness: (one, other) => this.#likeness.of(one, other),
          merge: (base, ours, theirs) => this.#node(base, ours, theirs),
          budget: this.#tally.budget,
        }),
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
    const [one, two, three] = [base, ours, theirs].map(({ runs }) =>
      runs.flatMap((run) => words(run.text).map((text): RichRun => ({ text, marks: run.marks }))),
    );
    const runs = mergeSequence(
      { base: one ?? [], ours: two ?? [], theirs: three ?? [] },
      {
        keyOf: (run) =>
          run.text +
          [...run.marks]
            .map(([name, value]) => `\n${markKey(name, value)}`)
            .sort()
            .join(''),
        keepsBothInsertions: false,
        budget: this.#tally.budget,
        resolve: (sides) => {
          this.#tally.skipped += 1;
          return sides.ours;
        },
      },
    );
    return { kind: 'text', runs };
  }
}
