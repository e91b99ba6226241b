/**
 * Whether a new struct's two neighbours are in the order it claims. Yjs takes any two, but then where the struct ends up
 * depends on what else is there when it arrives: documents with the same deltas would differ (G3).
 */
import * as Y from 'yjs';
import { UPDATE_ORDER_STEPS_MAX } from '../../limits.ts';
import { isStruct } from './known.ts';
import { malformed, tooComplex } from './refusals.ts';
import type { Id, Struct } from './update.ts';

export type Found = Struct | Y.Item | Y.GC;

/** How far relations of structs that are in no document yet are followed. */
const CHAIN_MAX = 32;

export class ListOrder {
  readonly #find: (id: Id) => Found;
  #stepsLeft = UPDATE_ORDER_STEPS_MAX;

  /** `find` is asked only for structs that are known, or placed already. */
  constructor(find: (id: Id) => Found) {
    this.#find = find;
  }

  /**
   * Throws UPDATE_MALFORMED if the struct's neighbours are the wrong way round; UPDATE_TOO_COMPLEX if the update has Yjs
   * look through too much of its lists. For structs that are in no document yet only what follows from their own
   * neighbours is known: it takes several client ids' concurrent structs in one update to hide an order from this.
   */
  check({ origin, rightOrigin }: Struct): void {
    if (!origin || !rightOrigin) {
      if (origin) this.#countToEnd(origin);
      return;
    }
    const left = this.#find(origin);
    const right = this.#find(rightOrigin);
    if (left === right) this.#require(origin.clock < rightOrigin.clock);
    else if (!isStruct(left) && !isStruct(right)) this.#require(this.#isBefore(left, right));
    else this.#require(!this.#isKnownNotAfter(rightOrigin, origin));
  }

  /** Whether `first` can be seen to be `second` or before it. */
  #isKnownNotAfter(first: Id, second: Id): boolean {
    const ends = this.#chain(first, (struct) => struct.rightOrigin);
    for (const start of this.#chain(second, (struct) => struct.origin)) {
      for (const end of ends) {
        const isThere =
          end.found === start.found ? end.id.clock <= start.id.clock : this.#isDocumentOrder(end.found, start.found);
        if (isThere) {
          return true;
        }
      }
    }
    return false;
  }

  /** Looks from the second on, since in honest updates that is a little before the first. */
  #isDocumentOrder(first: Found, second: Found): boolean {
    return first instanceof Y.Item && second instanceof Y.Item && !this.#isBefore(second, first);
  }

  /** The id and what it is next to, and so on, up to the first that is in the document. */
  #chain(id: Id, next: (struct: Struct) => Id | undefined): { readonly id: Id; readonly found: Found }[] {
    const chain: { readonly id: Id; readonly found: Found }[] = [];
    for (let at: Id | undefined = id; at && chain.length < CHAIN_MAX;) {
      const found = this.#find(at);
      chain.push({ id: at, found });
      at = isStruct(found) ? next(found) : undefined;
    }
    return chain;
  }

  #isBefore(left: Y.Item | Y.GC, right: Y.Item | Y.GC): boolean {
    // Of what is collected no order is left, and none is needed.
    if (!(left instanceof Y.Item) || !(right instanceof Y.Item)) return true;
    for (let item = left.right; item !== null; item = item.right) {
      if (item === right) return true;
      this.#step();
    }
    return false;
  }

  #countToEnd(origin: Id): void {
    const found = this.#find(origin);
    if (isStruct(found) || !(found instanceof Y.Item)) return;
    for (let item = found.right; item !== null; item = item.right) this.#step();
  }

  #step(): void {
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) throw tooComplex('UPDATE_ORDER_STEPS_MAX', 'would be integrated too slowly');
  }

  #require(isInOrder: boolean): void {
    if (!isInOrder) throw malformed('a struct claims to be between two that are the other way round');
  }
}
