import type { Builtin } from './builtin.ts';

/** Spelled out wherever they stand as a word of their own. */
const SHORT_FORMS: Readonly<Record<string, string>> = {
  "can't": 'cannot',
  "won't": 'will not',
  "shan't": 'shall not',
  "let's": 'let us',
  'e.g.': 'for example',
  'i.e.': 'that is',
  'etc.': 'and so on',
  'vs.': 'versus',
  'approx.': 'approximately',
  'w/o': 'without',
  'w/': 'with',
  asap: 'as soon as possible',
  btw: 'by the way',
  fyi: 'for your information',
};

/** Endings of contractions, with what they stand for. `'s` and `'d` stand for several things and stay. */
const ENDINGS: Readonly<Record<string, string>> = {
  "n't": ' not',
  "'re": ' are',
  "'ve": ' have',
  "'ll": ' will',
  "'m": ' am',
};

/** Not within identifiers, paths or host names. */
const WORD =
  /(?<![\p{L}\p{N}_/.])(?:e\.g\.|i\.e\.|etc\.|vs\.|approx\.|w\/o|w\/|\p{L}+(?:['’]\p{L}+)?)(?![\p{L}\p{N}_])/giu;
const ENDING = /n't$|'(?:re|ve|ll|m)$/u;

/** Spells out English contractions and abbreviations; everything else stays as it is. The output starts with `Expanded:`. */
export const expander: Builtin = {
  name: 'expander',
  supportedTypes: ['text/*'],
  outputType: 'text/plain',
  run: (text) => `Expanded:\n${text.replace(WORD, expandWord)}`,
};

function expandWord(word: string): string {
  const plain = word.replace('’', "'").toLowerCase();
  const whole = Object.hasOwn(SHORT_FORMS, plain) ? SHORT_FORMS[plain] : undefined;
  if (whole !== undefined) return matchCase(word, whole);
  const ending = ENDING.exec(plain)?.[0];
  if (ending === undefined || ending.length === plain.length) return word;
  return word.slice(0, word.length - ending.length) + (ENDINGS[ending] ?? '');
}

function matchCase(word: string, expansion: string): string {
  const first = word.charAt(0);
  return first === first.toLowerCase() ? expansion : expansion.charAt(0).toUpperCase() + expansion.slice(1);
}
