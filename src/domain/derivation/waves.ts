/**
 * What of a DAG is out of date and may run now. A pure function of the blobs, the providers and the limits: the same
 * answer for a doubled, late or lost event (G5, G9).
 */
import type { Blob } from '../blob.ts';
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
}

/**
 * Every run the graph asks for, whether or not something above it must run first, and whether or not there is room for
 * what it would make. `sources`: those looked at, if not all.
 */
export function wantedRuns(
  graph: Graph,
  providers: readonly Provider[],
  limits: GraphLimits,
  sources: Iterable<Blob> = graph.blobs(),
): WantedRun[] {
  const wanted: WantedRun[] = [];
  for (const source of sources) {
    for (const provider of providers) {
      if (!takesInput(provider, source)) continue;
      const derived = graph.made(source.id, provider.id);
      // Thrown away: it is not ours to make again.
      if (derived?.deletedAt !== undefined) continue;
      if (!triggers(provider, source, derived)) continue;
      // Not before it is needed, for an id costs a hash.
      let derivedId = derived?.id;
      if (derivedId === undefined) {
        // G9: each provider once in a lineage, and a bound on depth, so that no cycle of providers runs for ever.
        if (graph.lineageProviders(source.id).has(provider.id)) continue;
        if (source.depth + 1 > limits.depthMax) continue;
        derivedId = derivedBlobId(source.id, provider.id);
        // Somebody has a blob of their own there, from when such ids could be chosen.
        if (graph.get(derivedId)) continue;
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
  const changing = graph.downwards(active);
  return wanted.filter((run) => !changing.has(run.source.id));
}
