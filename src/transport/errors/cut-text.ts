const MORE = '…';

/** At most so many bytes in UTF-8, not cut inside a character; that something is left out can be seen. */
export function cutText(text: string, bytesMax: number): string {
  // No character has more than three bytes for each of its UTF-16 units.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text.slice(0, bytesMax));
  let end = bytesMax - Buffer.byteLength(MORE);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end) + MORE;
}
