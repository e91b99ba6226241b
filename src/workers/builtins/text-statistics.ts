import type { Builtin } from './builtin.ts';
import { countGraphemes } from './graphemes.ts';

const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;
/**
 * Whole runs of marks that end a sentence, with what closes after them, followed by space or the end. Neither begun nor
 * given up within a run: each of its marks would be looked at once for every mark before it.
 */
const SENTENCE_END = /(?<![.!?。！？…])[.!?。！？…]+(?![.!?。！？…])["'”’)\]]*(?=\s|$)/gu;
const WORDS_READ_PER_MINUTE = 200;

/** Counts of a text, as JSON. */
export const textStatistics: Builtin = {
  name: 'text-statistics',
  supportedTypes: ['text/*'],
  outputType: 'application/json',
  run: (text) => JSON.stringify(countText(text)),
};

export interface TextStatistics {
  /** What a reader would call characters: grapheme clusters. */
  readonly characters: number;
  readonly code_points: number;
  readonly bytes: number;
  readonly words: number;
  readonly unique_words: number;
  /** As an editor numbers them: one more than line breaks; 0 for no text. */
  readonly lines: number;
  readonly sentences: number;
  readonly paragraphs: number;
  /** Whole minutes, at 200 words a minute, rounded up. */
  readonly reading_minutes: number;
}

export function countText(text: string): TextStatistics {
  const words = text.match(WORD) ?? [];
  const paragraphs = text.split(/\n\s*\n/u).filter((paragraph) => paragraph.trim() !== '');
  return {
    characters: countGraphemes(text),
    code_points: countCodePoints(text),
    bytes: Buffer.byteLength(text),
    words: words.length,
    unique_words: new Set(words.map((word) => word.toLowerCase())).size,
    lines: text === '' ? 0 : (text.match(/\r\n|\r|\n/gu)?.length ?? 0) + 1,
    sentences: paragraphs.reduce((sum, paragraph) => sum + countSentences(paragraph), 0),
    paragraphs: paragraphs.length,
    reading_minutes: Math.ceil(words.length / WORDS_READ_PER_MINUTE),
  };
}

/** A paragraph's last sentence may lack its full stop. */
function countSentences(paragraph: string): number {
  const ends = [...paragraph.matchAll(SENTENCE_END)];
  const last = ends.at(-1);
  const rest = last ? paragraph.slice(last.index + last[0].length) : paragraph;
  return ends.length + (/[\p{L}\p{N}]/u.test(rest) ? 1 : 0);
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _codePoint of text) count += 1;
  return count;
}
