/** Numbers for rich nodes: what says the same to an editor has the same number, whatever Yjs keeps it as. */
import { canonicalJson } from '../content/json-value.ts';
import { markTypeOf } from '../content/mark-name.ts';
import { plainValue } from '../content/plain-value.ts';
import { joinRuns, type RichElement, type RichNode, type RichRun, type RichText } from '../content/rich-node.ts';

export class RichNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #seen = new WeakMap<RichNode, number>();

  of(node: RichNode): number {
    let number = this.#seen.get(node);
    if (number === undefined) {
      number = this.#intern(node.kind === 'element' ? this.#element(node) : textKey(node));
      this.#seen.set(node, number);
    }
    return number;
  }

  #element(node: RichElement): string {
    const children = joinTexts(node.children).filter((child) => child.kind === 'element' || child.runs.length > 0);
    return `${JSON.stringify(node.name)}${attributesKey(node.attributes)}[${children.map((child) => this.of(child)).join(',')}]`;
  }

  #intern(spelled: string): number {
    const known = this.#numbers.get(spelled);
    if (known !== undefined) return known;
    this.#numbers.set(spelled, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

/** Texts side by side are one to an editor. The nodes themselves where there is nothing to join. */
export function joinTexts(nodes: readonly RichNode[]): RichNode[] {
  const joined: RichNode[] = [];
  let runs: RichRun[] | undefined;
  for (const [index, node] of nodes.entries()) {
    if (node.kind === 'element') {
      joined.push(node);
      runs = undefined;
    } else if (nodes[index - 1]?.kind !== 'text') joined.push(node);
    else {
      runs ??= [...(joined.at(-1) as RichText).runs];
      for (const run of node.runs) runs.push(run);
      if (nodes[index + 1]?.kind !== 'text') joined[joined.length - 1] = { kind: 'text', runs: joinRuns(runs) };
    }
  }
  return joined;
}

export function attributesKey(attributes: ReadonlyMap<string, unknown>): string {
  return [...attributes]
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${JSON.stringify(key)}=${valueKey(value)}`)
    .sort()
    .join(' ');
}

export function valueKey(value: unknown): string {
  return canonicalJson(plainValue(value));
}

/** Attributes of marks that are null count as absent, and `true` as none, as editors that know no attributes set it. */
export function markKey(name: string, value: unknown): string {
  let key = '{}';
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    key = valueKey(Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null)));
  } else if (value !== true) key = valueKey(value);
  return `${JSON.stringify(markTypeOf(name))}${key}`;
}

function textKey(node: RichText): string {
  return node.runs
    .map(
      (run) =>
        JSON.stringify(run.text) +
        [...run.marks]
          .map(([name, value]) => markKey(name, value))
          .sort()
          .join(''),
    )
    .join('|');
}
