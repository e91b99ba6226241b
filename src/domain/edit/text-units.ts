/** How texts are cut for comparing: the coarsest first. Each way cuts equal stretches alike, wherever they stand. */
import { splitsPair } from './surrogates.ts';

export type Cut = (text: string) => string[];

/** With their ends. */
export function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Words and what is between them. */
export function words(text: string): string[] {
  return text.match(/\s+|[^\s]+/gu) ?? [];
}

const CHUNK_WINDOW_UNITS = 4;
/** One end in so many, on average. */
const CHUNK_UNITS = 32;

/** Ends where the last few characters say so: for text that has neither lines nor words. */
export function chunks(text: string): string[] {
  const cut: string[] = [];
  let start = 0;
  for (let end = CHUNK_WINDOW_UNITS; end < text.length; end++) {
    let mixed = 0;
    for (let index = end - CHUNK_WINDOW_UNITS; index < end; index++) {
      mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x9e3779b1);
    }
    if ((mixed >>> 16) % CHUNK_UNITS !== 0 || splitsPair(text, end)) continue;
    cut.push(text.slice(start, end));
    start = end;
  }
  if (start < text.length) cut.push(text.slice(start));
  return cut;
}
