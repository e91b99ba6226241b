/** Makes the states of one blob that the policy wants and that are not there: a few each time. */
import type { SeqRange } from '../../domain/delta.ts';
import { COLLECTED_FROM_BYTES, STATES_PER_ROUND_MAX } from '../../limits.ts';
import type { CheckpointIndex, StateEntry } from '../../storage/checkpoints.ts';
import type { Growth } from './blob-growth.ts';
import type { CheckpointMaker, MakeState } from './checkpoint-maker.ts';
import { isStateDue, isWholeDue, keptFrom, leavesState, missingStates, newestState } from './checkpoint-policy.ts';

export interface StatesOf {
  readonly blobId: string;
  /** Its head. */
  readonly version: number;
  readonly leaving: boolean;
  /** The version is where reading stopped, which may be within a commit. */
  readonly isPartial: boolean;
  /** Up to where its runs are made; a state of the head only follows on all of them. */
  readonly packed: number;
  readonly known: Growth;
  readonly index: CheckpointIndex;
  readonly dropped: readonly SeqRange[];
}

export class DueStates {
  readonly #maker: CheckpointMaker;
  #made = 0;

  constructor(maker: CheckpointMaker) {
    this.#maker = maker;
  }

  get made(): number {
    return this.#made;
  }

  /** Returns how many were wanting. */
  async make({ blobId, version, leaving, isPartial, packed, known, index, dropped }: StatesOf): Promise<number> {
    const newest = newestState(index);
    const { bytesSince } = known;
    const wanted = missingStates(index, packed, dropped);
    const isDue = isStateDue(newest, bytesSince) || (leaving && leavesState(newest, version, bytesSince));
    if (packed === version && isDue) wanted.push(version);
    for (const at of wanted.slice(0, STATES_PER_ROUND_MAX)) {
      const isHead = at === version;
      const isWhole = !isHead || isWholeDue(index, dropped, bytesSince);
      const wants = { endsCommit: (isHead && !isPartial) || undefined, keptFrom: keptFrom(dropped, at) };
      const made = await this.#makeOne(blobId, at, known, { ...wants, isWhole, isHead });
      if (at < known.stateVersion) continue;
      // More may have come since.
      known.bytesSince = isHead ? Math.max(0, known.bytesSince - bytesSince) : 0;
      known.stateVersion = at;
      known.stateBytes = made.bytes;
    }
    return wanted.length;
  }

  /** What is deleted is kept where that is wanted and not too much. The head is also to be had without, if that is large. */
  async #makeOne(
    blobId: string,
    at: number,
    known: Growth,
    { isWhole, isHead, ...wants }: MakeState & { readonly isWhole: boolean; readonly isHead: boolean },
  ): Promise<StateEntry> {
    this.#made += 1;
    if (!isWhole || known.tooMuchFrom === wants.keptFrom) return this.#maker.makeCollected(blobId, at, wants);
    const made = await this.#maker.makeState(blobId, at, wants);
    const isCollected = made.collected_to === at;
    if (isCollected) known.tooMuchFrom = wants.keptFrom;
    if (isCollected || !isHead || made.bytes < COLLECTED_FROM_BYTES) return made;
    this.#made += 1;
    return this.#maker.makeCollected(blobId, at, wants);
  }
}
