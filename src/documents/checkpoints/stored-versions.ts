/** Fetches what a version is made of. What is stored wrongly is never used: left out, reported, and planned around. */
import { VERSION_READ_TRIES_MAX } from '../../limits.ts';
import {
  isState,
  type CheckpointIndex,
  type Checkpoints,
  type Entry,
  type StateEntry,
} from '../../storage/checkpoints.ts';
import { deltasIn } from '../log/checkpoint-codec.ts';
import { planVersion, type PlanOptions, type Stretch, type VersionPlan } from './version-plan.ts';

export interface FetchedStretch extends Stretch {
  /** Encoded, hash checked. Absent: read from the log. */
  readonly bytes?: Uint8Array;
}

export interface FetchedVersion {
  readonly index: CheckpointIndex;
  readonly state?: { readonly entry: StateEntry; readonly bytes: Uint8Array };
  readonly stretches: readonly FetchedStretch[];
}

/** Told of each object that is listed and not as it should be. Must not throw. */
export type OnBadObject = (blobId: string, entry: Entry, problem: string) => void;

export class StoredVersions {
  readonly #checkpoints: Checkpoints;
  readonly #onBad: OnBadObject;

  constructor(options: { readonly checkpoints: Checkpoints; readonly onBad: OnBadObject }) {
    this.#checkpoints = options.checkpoints;
    this.#onBad = options.onBad;
  }

  /**
   * What a version is made of. Objects that are missing or damaged are reported and planned around; `without` has the
   * hashes of those not to be used, and grows by what is found bad.
   */
  async fetch(
    blobId: string,
    options: Omit<PlanOptions, 'without'>,
    without: Set<string> = new Set<string>(),
  ): Promise<FetchedVersion> {
    for (let attempt = 1; ; attempt++) {
      const index = await this.#checkpoints.index(blobId);
      const plan = planVersion(index, { ...options, without });
      const wanted = entriesOf(plan);
      const found = wanted.length === 0 ? new Map<Entry, Uint8Array>() : await this.#checkpoints.read(blobId, wanted);
      const lacking = wanted.filter((entry) => !holdsItsDeltas(entry, found.get(entry)));
      if (lacking.length > 0) {
        await this.#judge(blobId, lacking, without);
        if (attempt < VERSION_READ_TRIES_MAX) continue;
        for (const entry of wanted) without.add(entry.hash);
        continue;
      }
      return {
        index,
        state: plan.state && { entry: plan.state, bytes: found.get(plan.state) as Uint8Array },
        stretches: plan.stretches.map((stretch) => ({ ...stretch, bytes: stretch.run && found.get(stretch.run) })),
      };
    }
  }

  /** Hash and all are right, and still it can't be used. */
  reject(blobId: string, entry: Entry, problem: string): void {
    this.#onBad(blobId, entry, problem);
  }

  /** Compaction may have replaced them between the index and the read; those still listed are bad. */
  async #judge(blobId: string, lacking: readonly Entry[], without: Set<string>): Promise<void> {
    const { states, runs } = await this.#checkpoints.index(blobId);
    const listed = new Set([...states, ...runs].map((entry) => entry.hash));
    for (const entry of lacking) {
      if (!listed.has(entry.hash)) continue;
      without.add(entry.hash);
      this.#onBad(blobId, entry, 'it is missing, its bytes are not what its hash says, or it lacks deltas');
    }
  }
}

/** False as well for what was not found. */
export function holdsItsDeltas(entry: Entry, bytes: Uint8Array | undefined): boolean {
  if (!bytes || isState(entry)) return bytes !== undefined;
  return deltasIn(bytes) === entry.last - entry.first + 1;
}

function entriesOf({ state, stretches }: VersionPlan): Entry[] {
  const runs = stretches.flatMap((stretch) => (stretch.run ? [stretch.run] : []));
  return [...(state ? [state] : []), ...runs];
}
