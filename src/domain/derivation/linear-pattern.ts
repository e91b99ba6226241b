/**
 * Regular expressions of strangers, compiled: RE2 writes a repeat out as often as it may come, so a few characters can
 * stand for a program of any size, which takes time and memory before it has matched anything (G7).
 */
import { RE2JS } from 're2js';
import { PATTERN_STEPS_MAX } from '../../limits.ts';

const REPEAT = /\{(\d+)(?:(,)(\d*))?\}/y;
const ESCAPE = /\\(?:Q([^]*?)(?:\\E|$)|[pPx]\{[^}]*\}|[^])/y;
const CLASS = /\[\^?\]?(?:\[:[^]*?:\]|\\[^]|[^\]\\])*\]/y;

/** Compiles the patterns of one schema, or of one provider: together they have at most PATTERN_STEPS_MAX steps. */
export class LinearPatterns {
  readonly #compiled = new Map<string, RE2JS>();
  #steps = 0;

  /** Throws on what is no RE2 expression, and PatternsTooLarge. */
  compile(pattern: string): RE2JS {
    const known = this.#compiled.get(pattern);
    if (known) return known;
    this.#steps += stepsOf(pattern);
    if (this.#steps > PATTERN_STEPS_MAX) throw new PatternsTooLarge();
    const compiled = RE2JS.compile(pattern);
    this.#compiled.set(pattern, compiled);
    return compiled;
  }
}

export class PatternsTooLarge extends Error {
  constructor() {
    super(`with its repeats written out it has more than ${PATTERN_STEPS_MAX} steps, or those before it leave no room`);
  }
}

/** No less than the steps of the compiled pattern; of what is no pattern any number. */
export function stepsOf(pattern: string): number {
  // One sum for each group that is open; `last` is what a repeat would be of.
  const open: number[] = [];
  // An empty branch takes a step too.
  let sum = 1;
  let last = 0;
  for (let at = 0; at < pattern.length;) {
    const char = pattern[at];
    const token = matchAt(char === '\\' ? ESCAPE : char === '[' ? CLASS : REPEAT, pattern, at);
    const repeat = char === '{' ? token : undefined;
    if (repeat) {
      const [, from = '', comma, to] = repeat;
      // What may come and may be left out takes a step more each time.
      const times = comma === undefined ? Number(from) : 2 * Math.max(Number(from) + 1, Number(to || 0));
      sum += last * times;
      last *= times + 1;
    } else if (char === '(') {
      open.push(sum);
      sum = 2;
      last = 0;
    } else if (char === ')') {
      last = sum;
      sum += open.pop() ?? 0;
    } else {
      // Text between \Q and \E is one step a character, and a repeat after it is of the last of them.
      last = 1;
      sum += char === '|' ? 2 : Math.max(1, token?.[1]?.length ?? 1);
    }
    at += token?.[0].length ?? 1;
  }
  return open.reduce((all, one) => all + one, sum);
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}
