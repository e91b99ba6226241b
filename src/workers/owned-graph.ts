/** What a plan is made on: the blobs of one owner in one DAG, no older than what was seen. */
import type { AccessControl } from '../access/contract.ts';
import { allows, type Action } from '../domain/access/access.ts';
import { lineageOfBlob } from '../domain/access/blob-access.ts';
import type { Blob } from '../domain/blob.ts';
import type { Caller } from '../domain/access/caller.ts';
import { Graph } from '../domain/derivation/graph.ts';
import type { Provider } from '../domain/derivation/provider.ts';
import { wantedRuns, type WantedRun } from '../domain/derivation/waves.ts';
import type { Documents } from '../documents/contract.ts';
import { StudioError } from '../errors.ts';
import { DAG_NODES_MAX, LINEAGE_DEPTH_MAX } from '../limits.ts';
import type { SeenVersion, SeenVersions } from './names.ts';

export interface OwnedGraphParts {
  readonly documents: Pick<Documents, 'getBlob'>;
  readonly heads: {
    /** Those that are not deleted, by id, at most `limit`. */
    ofRoot(rootId: string, limit: number, owner: string): Promise<Blob[]>;
    /** Deleted ones too. */
    getMany(ids: readonly string[]): Promise<Blob[]>;
  };
  readonly access: Pick<AccessControl, 'many'>;
}

export interface GraphRequest {
  readonly rootId: string;
  readonly owner: string;
  readonly seen: SeenVersions;
}

export interface OwnedGraph {
  readonly graph: Graph;
  /** The owner's, from the top down, then by id. The graph has others too, through which lineages lead. */
  readonly sources: readonly Blob[];
  /** Of the versions seen, those that stored heads do not show yet. */
  readonly unconfirmed: SeenVersions;
  /** Nothing more may be derived in it: see DAG_NODES_MAX. */
  readonly isFull: boolean;
  /** Blobs that are in it only because they were seen: the DAG has more than DAG_NODES_MAX. */
  readonly beyond: ReadonlySet<string>;
}

/**
 * The blobs of others in the same DAG are left out: they are planned for in their owners' names, and no lineage leads
 * through them, for what a provider made belongs to the owner of its source. So it is no matter whether the owner may
 * read the root, nor whether that is deleted.
 */
export class OwnedGraphs {
  readonly #parts: OwnedGraphParts;

  constructor(parts: OwnedGraphParts) {
    this.#parts = parts;
  }

  async load(request: GraphRequest): Promise<OwnedGraph> {
    const { heads, documents } = this.#parts;
    const caller: Caller = { userId: request.owner, administrator: false };
    const found = await heads.ofRoot(request.rootId, DAG_NODES_MAX + 1, request.owner);
    const stored = found.slice(0, DAG_NODES_MAX);
    const known = new Map((await this.#allowed(caller, 'read', stored)).map((blob) => [blob.id, blob]));
    const absent = Object.keys(request.seen).filter((id) => !known.has(id));
    for (const blob of await this.#allowed(caller, 'read', await heads.getMany(absent))) known.set(blob.id, blob);
    const isCut = found.length > stored.length;
    const beyond = new Set(isCut ? absent.filter((id) => known.get(id)?.deletedAt === undefined) : []);
    const unconfirmed: Record<string, SeenVersion> = {};
    for (const [id, seen] of Object.entries(request.seen)) {
      if ((known.get(id)?.version ?? 0) >= seen.version) continue;
      const blob = await ignoreAbsent(documents.getBlob(caller, id, { withContent: false }));
      if (!blob) continue;
      known.set(id, blob);
      unconfirmed[id] = seen;
    }
    const graph = new Graph(known.values());
    await this.#addLineages(graph);
    // G8: what is made of a blob is its owner's. Of others, there may be one that was seen.
    const own = [...known.values()].filter((blob) => blob.userId === request.owner);
    // Who may only read it may not write what is made of it either.
    const sources = await this.#allowed(caller, 'write', own);
    sources.sort((one, other) => one.depth - other.depth || (one.id < other.id ? -1 : 1));
    return { graph, sources, unconfirmed, isFull: found.length >= DAG_NODES_MAX, beyond };
  }

  /**
   * What providers want to make of these sources, with what of it is there after all added to the graph: deleted, somebody
   * else's, or beyond the limit. Level by level, for what was found may have been made more of. G9: so what exists is kept
   * up to date, whatever the DAG's size.
   */
  async wantedOf(
    { graph }: OwnedGraph,
    sources: readonly Blob[],
    providers: readonly Provider[],
  ): Promise<WantedRun[]> {
    const limits = { depthMax: LINEAGE_DEPTH_MAX };
    const looked = [...sources];
    let added: readonly Blob[] = sources;
    for (let level = 0; level <= LINEAGE_DEPTH_MAX && added.length > 0; level++) {
      const wanted = wantedRuns(graph, providers, limits, added);
      const found = await this.#parts.heads.getMany(wanted.flatMap((run) => (run.derived ? [] : [run.derivedId])));
      graph.add(found);
      added = found.filter((blob) => blob.userId === sources[0]?.userId);
      looked.push(...added);
    }
    return wantedRuns(graph, providers, limits, looked);
  }

  /** G9: lineages lead through deleted blobs too, and through those beyond the limit. */
  async #addLineages(graph: Graph): Promise<void> {
    const asked = new Set<string>();
    for (let level = 0; level <= LINEAGE_DEPTH_MAX; level++) {
      const missing = graph.missingParents().filter((id) => !asked.has(id));
      if (missing.length === 0) return;
      for (const id of missing) asked.add(id);
      graph.add(await this.#parts.heads.getMany(missing));
    }
  }

  /** G8: somebody may have been shut out of a blob of their own; what they may not read is not worked on for them. */
  async #allowed(caller: Caller, action: Action, blobs: readonly Blob[]): Promise<Blob[]> {
    const access = await this.#parts.access.many(blobs.map(lineageOfBlob));
    return blobs.filter((blob) => {
      const one = access.get(blob.id);
      return one !== undefined && allows(one, caller, action);
    });
  }
}

/**
 * A blob that is gone or not this owner's has nothing to propagate, and one that can't be loaded is planned for as its
 * stored head shows it: the others of the DAG don't wait for it. Every other error is thrown on.
 */
async function ignoreAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    if (error.reason === 'BLOB_NOT_FOUND' || error.reason === 'BLOB_DELETED' || error.code === 'data_loss')
      return undefined;
    throw error;
  }
}
