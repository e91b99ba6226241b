/**
 * What reverts inserted anew, and of what: for a reader of the log the two are one and the same, whoever deletes or
 * undoes which. Kept with each revert, since the document does not tell.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { addRange, type IdRange, merged, noRanges, partsIn, type Ranges, without } from './effects.ts';

export interface Copy {
  /** Of the original. */
  readonly client: number;
  readonly clock: number;
  readonly length: number;
  /** Of the copy; its client is the author's. */
  readonly newClock: number;
}

export function encodeCopies(copies: readonly Copy[]): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const { client, clock, length, newClock } of copies) {
    for (const number of [client, clock, length, newClock]) encoding.writeVarUint(encoder, number);
  }
  return encoding.toUint8Array(encoder);
}

export function decodeCopies(bytes: Uint8Array): Copy[] {
  const decoder = decoding.createDecoder(bytes);
  const next = (): number => decoding.readVarUint(decoder);
  const copies: Copy[] = [];
  while (decoding.hasContent(decoder)) {
    copies.push({ client: next(), clock: next(), length: next(), newClock: next() });
  }
  return copies;
}

/** Which originals items stand for. A copy of a copy stands for what that one stands for. */
export class Originals {
  /** By the copy's client, ascending by its clock. */
  readonly #copies = new Map<number, Copy[]>();
  /** In order of seq, with the copy's client. */
  readonly #ordered: (Copy & { readonly author: number })[] = [];

  /** Of reverts in order of seq, each after those whose copies it copied. */
  add(author: number, copies: readonly Copy[]): void {
    const added = copies.flatMap((copy) => {
      const resolved: Copy[] = [];
      this.resolve(copy, (original, offset) => resolved.push({ ...original, newClock: copy.newClock + offset }));
      return resolved;
    });
    for (const copy of added) this.#ordered.push({ ...copy, author });
    const known = this.#copies.get(author) ?? [];
    this.#copies.set(
      author,
      [...known, ...added].sort((a, b) => a.newClock - b.newClock),
    );
  }

  /** Merged. */
  of(ranges: Ranges): Ranges {
    const originals = noRanges();
    for (const [client, list] of ranges.clients) {
      for (const { clock, len } of list) {
        this.resolve({ client, clock, length: len }, (original) => {
          addRange(originals, original.client, original.clock, original.length);
        });
      }
    }
    return merged([originals]);
  }

  /** All of them. Merged. */
  get copies(): Ranges {
    const all = noRanges();
    for (const { author, newClock, length } of this.#ordered) addRange(all, author, newClock, length);
    return merged([all]);
  }

  /** The originals themselves, and all their copies. Merged. */
  withCopies(originals: Ranges): Ranges {
    const all = noRanges();
    for (const copy of this.#ordered) {
      for (const { clock, length } of partsIn(originals, copy)) {
        addRange(all, copy.author, copy.newClock + clock - copy.clock, length);
      }
    }
    return merged([originals, all]);
  }

  /** The newest copy of each, where it has one: that one stands where its neighbours do. Merged. */
  newest(originals: Ranges): Ranges {
    const found: Ranges[] = [];
    let left = originals;
    for (const copy of [...this.#ordered].reverse()) {
      const taken = noRanges();
      const copied = noRanges();
      for (const { client, clock, length } of partsIn(left, copy)) {
        addRange(taken, client, clock, length);
        addRange(copied, copy.author, copy.newClock + clock - copy.clock, length);
      }
      if (taken.clients.size === 0) continue;
      left = without(left, merged([taken]));
      found.push(copied);
    }
    return merged([left, ...found]);
  }

  /** What the values of a range stand for, piece by piece, each at its offset in the range. */
  resolve({ client, clock, length }: IdRange, found: (original: IdRange, offset: number) => void): void {
    const end = clock + length;
    let at = clock;
    for (const copy of this.#copies.get(client) ?? []) {
      const start = Math.max(copy.newClock, at);
      const stop = Math.min(copy.newClock + copy.length, end);
      if (start >= stop) continue;
      if (start > at) found({ client, clock: at, length: start - at }, at - clock);
      found({ client: copy.client, clock: copy.clock + start - copy.newClock, length: stop - start }, start - clock);
      at = stop;
    }
    if (at < end) found({ client, clock: at, length: end - at }, at - clock);
  }
}
