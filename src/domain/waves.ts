/**
 * What of a DAG is out of date and may run now. A pure function of the blobs, the providers and the limits: the same
 * answer for a doubled, late or lost event (G5, G9).
 */
import type { Blob } from './blob.ts';
import { derivedBlobId, keyOfRun } from './execution-key.ts';
import type { Graph } from './graph.ts';
import type { Provider } from './provider.ts';
import { takesInput, triggers } from './trigger.ts';

/** A run that is wanted: this provider on this source, at the versions they have now. */
export interface WantedRun {
  readonly key: string;
  readonly derivedId: string;
  readonly source: Blob;
  readonly provider: Provider;
  /** Absent: the run will make it. */
  readonly derived?: Blob;
}

export interface GraphLimits {
  readonly depthMax: number;
  readonly nodesMax: number;
}

/** Every run the graph asks for, whether or not something above it must run first. */
export function wantedRuns(graph: Graph, providers: readonly Provider[], limits: GraphLimits): WantedRun[] {
  const wanted: WantedRun[] = [];
  let nodes = [...graph.blobs()].filter((blob) => blob.deletedAt === undefined).length;
  for (const source of graph.blobs()) {
    for (const provider of providers) {
      // Asked first, for an id costs a hash.
      if (!takesInput(provider, source)) continue;
      const derivedId = derivedBlobId(source.id, provider.id);
      const derived = graph.get(derivedId);
      // Somebody chose that id for a blob of their own, or threw the derived blob away: it is not ours to make again.
      if (derived && (derived.createdBy !== provider.id || derived.deletedAt !== undefined)) continue;
      if (!triggers(provider, source, derived)) continue;
      if (!derived) {
        // G9: each provider once in a lineage, and bounds on depth and size, so that no cycle of providers runs for ever.
        if (graph.lineageProviders(source.id).has(provider.id)) continue;
        if (source.depth + 1 > limits.depthMax || nodes >= limits.nodesMax) continue;
        nodes += 1;
      }
      wanted.push({ key: keyOfRun(provider, source), derivedId, source, provider, derived });
    }
  }
  return wanted;
}

/**
 * Of `wanted`, those with nothing above them that is about to change: `active` are the derived blobs whose run is
 * going on or starts now. Level by level, so that no blob is made twice for one change of the root.
 */
export function frontier(graph: Graph, wanted: readonly WantedRun[], active: ReadonlySet<string>): WantedRun[] {
  return wanted.filter((run) => {
    if (active.has(run.source.id)) return false;
    for (const ancestor of graph.ancestors(run.source.id)) if (active.has(ancestor)) return false;
    return true;
  });
}
