/**
 * Whether a new struct's two neighbours are in the order it claims. Yjs takes any two, but then where the struct ends up
 * depends on what else is there when it arrives: documents with the same deltas would differ (G3). Also what Yjs will
 * look through to find that place (G7): everything between the neighbours, for each struct again.
 */
import * as Y from 'yjs';
import { UPDATE_ORDER_STEPS_MAX, UPDATE_STEPS_UNTRIED_MAX } from '../../limits.ts';
import type { Crowd } from './crowd.ts';
import { isStruct, type Known } from './known.ts';
import type { Parents, Place } from './placement.ts';
import { malformed, NeedsTrial, tooComplex } from './refusals.ts';
import type { Id, Struct } from './update.ts';

export type Found = Struct | Y.Item | Y.GC;

/** How far relations of structs that are in no document yet are followed. */
const CHAIN_MAX = 32;

export class ListOrder {
  readonly #find: (id: Id) => Found;
  readonly #known: Known;
  readonly #parents: Parents;
  /** Undefined: the update was tried, so that only what is gone through here is counted. */
  readonly #crowd: Crowd | undefined;
  readonly #stepsMax: number;
  #steps = 0;

  /** `find` is asked only for structs that are known, or placed already. */
  constructor(options: {
    readonly find: (id: Id) => Found;
    readonly known: Known;
    readonly parents: Parents;
    readonly crowd: Crowd | undefined;
  }) {
    this.#find = options.find;
    this.#known = options.known;
    this.#parents = options.parents;
    this.#crowd = options.crowd;
    this.#stepsMax = options.crowd ? UPDATE_STEPS_UNTRIED_MAX - options.crowd.steps : UPDATE_ORDER_STEPS_MAX;
  }

  get steps(): number {
    return this.#steps;
  }

  /**
   * Throws UPDATE_MALFORMED if the struct's neighbours are the wrong way round; UPDATE_TOO_COMPLEX, or that a trial is
   * needed, if the update has Yjs look through too much of its lists. For structs that are in no document yet only what
   * follows from their own neighbours is known: it takes several client ids' concurrent structs in one update to hide
   * an order from this.
   */
  check(struct: Struct, place: Place): void {
    const { origin, rightOrigin } = struct;
    const left = origin && this.#find(origin);
    const right = rightOrigin && this.#find(rightOrigin);
    const before = this.#steps;
    if (left && right) this.#checkBetween(struct, left, right);
    else if (!left) this.#count(this.#firstIn(place), right);
    else if (left instanceof Y.Item) this.#count(left.right, undefined);
    if (!this.#crowd) return;
    this.#countSplit(origin, left, this.#crowd);
    this.#countSplit(rightOrigin, right, this.#crowd);
    this.#step(this.#crowd.enter(struct, place, this.#steps - before));
  }

  /** A neighbour in the document may have to be split. */
  #countSplit(id: Id | undefined, found: Found | undefined, crowd: Crowd): void {
    if (id && found && !isStruct(found)) this.#step(this.#known.splitSteps(id.client, crowd.splits++));
  }

  #checkBetween({ origin, rightOrigin }: Struct, left: Found, right: Found): void {
    if (!origin || !rightOrigin) return;
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
      this.#step(1);
    }
    return false;
  }

  /** Where Yjs begins for a struct without a left neighbour. */
  #firstIn({ parent, key }: Place): Y.Item | null {
    const type = this.#parents.typeOf(parent);
    if (!type || key === undefined) return type?._start ?? null;
    let item = type._map.get(key) ?? null;
    for (; item?.left; item = item.left) this.#step(1);
    return item;
  }

  #count(from: Y.Item | null, until: Found | undefined): void {
    for (let item = from; item !== null && item !== until; item = item.right) this.#step(1);
  }

  #step(steps: number): void {
    this.#steps += steps;
    if (this.#steps <= this.#stepsMax) return;
    throw this.#crowd ? new NeedsTrial() : tooComplex('UPDATE_ORDER_STEPS_MAX', 'would be integrated too slowly');
  }

  #require(isInOrder: boolean): void {
    if (!isInOrder) throw malformed('a struct claims to be between two that are the other way round');
  }
}
