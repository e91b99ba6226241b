/** How many characters a reader sees in a text: grapheme clusters, in time linear in the text. */

/** The engine's segmenter copies the whole of what it was given with each cluster, so it is given little. */
const WINDOW_UNITS = 512;

export function countGraphemes(text: string): number {
  // Printable ASCII has one character a unit.
  if (/^[\x20-\x7e\n]*$/u.test(text)) return text.length;
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  let count = 0;
  let start = 0;
  let units = WINDOW_UNITS;
  while (start < text.length) {
    const end = endOfWindow(text, start + units);
    const isLong = units > WINDOW_UNITS;
    let last = 0;
    for (const { index } of segmenter.segment(text.slice(start, end))) {
      if (index === 0) continue;
      count += 1;
      last = index;
      // A window that was widened for one long cluster is too wide for those after it.
      if (isLong) break;
    }
    if (last === 0 && end < text.length) {
      units *= 2;
      continue;
    }
    if (end === text.length && !isLong) return count + 1;
    // The window's last cluster may go on behind it; where one begins, what came before has no say.
    start = last === 0 ? end : start + last;
    if (last === 0) count += 1;
    units = WINDOW_UNITS;
  }
  return count;
}

/** Not within a surrogate pair: half of one would end the cluster that the whole belongs to. */
function endOfWindow(text: string, end: number): number {
  if (end >= text.length) return text.length;
  return (text.codePointAt(end - 1) ?? 0) > 0xffff ? end + 1 : end;
}
