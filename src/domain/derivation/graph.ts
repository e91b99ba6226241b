/** The DAG of one root as propagation sees it. */
import type { Blob } from '../blob.ts';

const NONE: ReadonlySet<string> = new Set();

export class Graph {
  readonly #blobs = new Map<string, Blob>();
  readonly #children = new Map<string, string[]>();
  /** Derived blobs by what they are made of and by whom: ids are not computed for what is there, for one costs a hash. */
  readonly #made = new Map<string, Blob>();
  /** Of derived blobs, for as long as no blob is added. */
  readonly #lineages = new Map<string, ReadonlySet<string>>();
  #alive = 0;

  constructor(blobs: Iterable<Blob>) {
    this.add(blobs);
  }

  /** How many are not deleted. */
  get alive(): number {
    return this.#alive;
  }

  get(id: string): Blob | undefined {
    return this.#blobs.get(id);
  }

  /** What a provider made of a blob. */
  made(sourceId: string, providerId: string): Blob | undefined {
    return this.#made.get(`${sourceId} ${providerId}`);
  }

  blobs(): IterableIterator<Blob> {
    return this.#blobs.values();
  }

  /** Those that are there already stay as they are. */
  add(blobs: Iterable<Blob>): void {
    this.#lineages.clear();
    for (const blob of blobs) {
      if (this.#blobs.has(blob.id)) continue;
      this.#blobs.set(blob.id, blob);
      if (blob.deletedAt === undefined) this.#alive += 1;
      for (const parentId of blob.parentIds) {
        const children = this.#children.get(parentId);
        if (children) children.push(blob.id);
        else this.#children.set(parentId, [blob.id]);
        if (isDerived(blob)) this.#made.set(`${parentId} ${blob.createdBy}`, blob);
      }
    }
  }

  /** Everything below these, and themselves: looks at no blob twice, so a cycle ends too. */
  downwards(ids: Iterable<string>): ReadonlySet<string> {
    const found = new Set(ids);
    // What is added while it goes on has its turn too.
    for (const id of found) for (const child of this.#children.get(id) ?? []) found.add(child);
    return found;
  }

  /**
   * The providers whose work led to this blob, up to what people made: none of them must run on it again (G9). A
   * person's blob below a derived one starts a lineage of its own, for people don't run in circles by themselves.
   */
  lineageProviders(id: string): ReadonlySet<string> {
    const known = this.#lineages.get(id);
    if (known) return known;
    if (!isDerived(this.#blobs.get(id))) return NONE;
    const providers = new Set<string>();
    const seen = new Set([id]);
    for (const next of seen) {
      const blob = this.#blobs.get(next);
      if (!isDerived(blob)) continue;
      providers.add(blob.createdBy);
      for (const parentId of blob.parentIds) seen.add(parentId);
    }
    this.#lineages.set(id, providers);
    return providers;
  }

  /** What lineages lead to and is not in the graph. */
  missingParents(): string[] {
    const missing = new Set<string>();
    for (const blob of this.#blobs.values()) {
      if (!isDerived(blob)) continue;
      for (const parentId of blob.parentIds) if (!this.#blobs.has(parentId)) missing.add(parentId);
    }
    return [...missing];
  }
}

function isDerived(blob: Blob | undefined): blob is Blob {
  return blob !== undefined && blob.createdBy !== 'user';
}
