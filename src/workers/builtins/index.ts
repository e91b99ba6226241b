import type { Builtin } from './builtin.ts';
import { expander } from './expander.ts';
import { markdownHtml } from './markdown-html.ts';
import { textStatistics } from './text-statistics.ts';

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [expander, textStatistics, markdownHtml].map((builtin) => [builtin.name, builtin]),
);
