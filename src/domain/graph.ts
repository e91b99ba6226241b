/** The DAG of one root as propagation sees it. */
import type { Blob } from './blob.ts';

export class Graph {
  readonly #blobs: ReadonlyMap<string, Blob>;
  readonly #ancestors = new Map<string, ReadonlySet<string>>();

  constructor(blobs: Iterable<Blob>) {
    this.#blobs = new Map([...blobs].map((blob) => [blob.id, blob]));
  }

  get size(): number {
    return this.#blobs.size;
  }

  get(id: string): Blob | undefined {
    return this.#blobs.get(id);
  }

  blobs(): IterableIterator<Blob> {
    return this.#blobs.values();
  }

  /** All blobs above this one that are in the graph, without itself. Walks no blob twice, so a cycle ends too. */
  ancestors(id: string): ReadonlySet<string> {
    const known = this.#ancestors.get(id);
    if (known) return known;
    const found = new Set<string>();
    const open = [...(this.#blobs.get(id)?.parentIds ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(...(this.#blobs.get(next)?.parentIds ?? []));
    }
    found.delete(id);
    this.#ancestors.set(id, found);
    return found;
  }

  /**
   * The providers whose work led to this blob, up to what people made: none of them must run on it again (G9). A
   * person's blob below a derived one starts a lineage of its own, for people don't run in circles by themselves.
   */
  lineageProviders(id: string): ReadonlySet<string> {
    const providers = new Set<string>();
    const seen = new Set<string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const blob = this.#blobs.get(next);
      if (!blob || blob.createdBy === 'user' || seen.has(next)) continue;
      seen.add(next);
      providers.add(blob.createdBy);
      open.push(...blob.parentIds);
    }
    return providers;
  }
}
