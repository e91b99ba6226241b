/**
 * A bounded number of places that all users have together. When all are taken, whoever has the most of them makes room
 * for a new one, by what they have not used for longest: nobody loses theirs to one who takes many.
 */
export class UserPlaces<T> {
  readonly #placesMax: number;
  /** Of each user the one used last is the last. */
  readonly #users = new Map<string, Map<string, T>>();
  #size = 0;

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
  }

  /** Is used by that. */
  find(userId: string, key: string): T | undefined {
    const own = this.#users.get(userId);
    const found = own?.get(key);
    if (!own || found === undefined) return undefined;
    own.delete(key);
    own.set(key, found);
    return found;
  }

  add(userId: string, key: string, value: T): void {
    const own = this.#users.get(userId) ?? new Map<string, T>();
    if (!own.has(key)) this.#size += 1;
    own.set(key, value);
    this.#users.set(userId, own);
  }

  delete(userId: string, key: string): void {
    const own = this.#users.get(userId);
    if (!own?.delete(key)) return;
    this.#size -= 1;
    if (own.size === 0) this.#users.delete(userId);
  }

  /** What has to go before one more is added. */
  givesWay(): T | undefined {
    if (this.#size < this.#placesMax) return undefined;
    let most: ReadonlyMap<string, T> = new Map();
    for (const own of this.#users.values()) if (own.size > most.size) most = own;
    const [oldest] = most.values();
    return oldest;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const own of this.#users.values()) yield* own.values();
  }
}
