/** A map that takes no more than its first entry does until there is a second: most maps made for one update never get one. */
export class LeanMap<K, V> {
  #isEmpty = true;
  #key: K | undefined;
  #value: V | undefined;
  /** Holds all entries once there are two. */
  #all: Map<K, V> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#isEmpty ? 0 : 1);
  }

  get(key: K): V | undefined {
    if (this.#all) return this.#all.get(key);
    return key === this.#key && !this.#isEmpty ? this.#value : undefined;
  }

  set(key: K, value: V): void {
    if (this.#all) this.#all.set(key, value);
    else if (this.#isEmpty || key === this.#key) {
      this.#isEmpty = false;
      this.#key = key;
      this.#value = value;
    } else {
      this.#all = new Map([[this.#key as K, this.#value as V]]);
      this.#all.set(key, value);
      this.#key = this.#value = undefined;
    }
  }

  clear(): void {
    this.#isEmpty = true;
    this.#key = this.#value = this.#all = undefined;
  }

  forEach(visit: (value: V, key: K) => void): void {
    if (this.#all) this.#all.forEach(visit);
    else if (!this.#isEmpty) visit(this.#value as V, this.#key as K);
  }
}
