import {
  DIFFERENCE_COMPARISONS_MAX,
  MERGE_CHARACTERS_MAX,
  MERGE_UNITS_MAX,
  MOVE_COMPARISONS_MAX,
} from '../../limits.ts';
import { WorkBudget } from '../edit/sequence-difference.ts';

/** Of one merge: what it may cost, and the changes of the other side that were left out. */
export class Tally {
  readonly budget = new WorkBudget(DIFFERENCE_COMPARISONS_MAX);
  /** For finding what was moved, so that it takes nothing from the merge itself. */
  readonly moves = new WorkBudget(MOVE_COMPARISONS_MAX);
  /** For what units say: what is beyond it is not read. */
  readonly characters: WorkBudget;
  /** Units that both sides changed. */
  readonly units = new WorkBudget(MERGE_UNITS_MAX);
  skipped = 0;

  constructor(charactersMax = MERGE_CHARACTERS_MAX) {
    this.characters = new WorkBudget(charactersMax);
  }
}
