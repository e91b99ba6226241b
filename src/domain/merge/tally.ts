import { DIFFERENCE_COMPARISONS_MAX, MOVE_COMPARISONS_MAX } from '../../limits.ts';
import { WorkBudget } from '../edit/sequence-difference.ts';

/** Of one merge: what it may cost, and the changes of the other side that were left out. */
export class Tally {
  readonly budget = new WorkBudget(DIFFERENCE_COMPARISONS_MAX);
  /** For finding what was moved, so that it takes nothing from the merge itself. */
  readonly moves = new WorkBudget(MOVE_COMPARISONS_MAX);
  skipped = 0;
}
