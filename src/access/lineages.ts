/** Which blobs' lists decide over a derived blob: those of people at the upper end of its lineage. */
import type { Lineage } from '../domain/access/blob-access.ts';
import { ACCESS_LINEAGE_BLOBS_MAX } from '../limits.ts';
import type { Named } from './contract.ts';

export interface LineageReader {
  lineages(blobIds: readonly string[]): Promise<readonly Lineage[]>;
}

/**
 * The lineages of these blobs and, upwards through what providers made, of all they come from. Level by level, so that
 * a whole graph costs as many reads as it is deep.
 */
export async function collectLineages(
  blobs: readonly Named[],
  remembered: (blobId: string) => Lineage | undefined,
  store: LineageReader,
): Promise<Map<string, Lineage>> {
  const found = new Map<string, Lineage>();
  const asked = new Set<string>();
  let level: readonly Named[] = blobs;
  while (level.length > 0) {
    const reached: Lineage[] = [];
    const unknown: string[] = [];
    for (const blob of level) {
      const id = typeof blob === 'string' ? blob : blob.blobId;
      if (asked.has(id)) continue;
      asked.add(id);
      const lineage = typeof blob === 'string' ? remembered(id) : blob;
      if (lineage) reached.push(lineage);
      else unknown.push(id);
    }
    if (unknown.length > 0) reached.push(...(await store.lineages(unknown)));
    for (const lineage of reached) found.set(lineage.blobId, lineage);
    level = reached.flatMap((lineage) => lineage.inputs);
  }
  return found;
}

/**
 * Ids of the blobs by people that this one was made from; empty if it is one itself. Undefined when one of them is gone
 * or there are too many to ask each: nobody may read it then.
 */
export function sourcesOf(lineage: Lineage, lineages: ReadonlyMap<string, Lineage>): readonly string[] | undefined {
  const sources: string[] = [];
  const seen = new Set<string>();
  const open = [...lineage.inputs];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const above = lineages.get(id);
    if (!above || seen.size > ACCESS_LINEAGE_BLOBS_MAX) return undefined;
    if (above.inputs.length === 0) sources.push(id);
    else open.push(...above.inputs);
  }
  return sources;
}
