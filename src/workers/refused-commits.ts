/** What becomes of a run whose output was not committed, by the error and by how often it was tried before. */
import { StudioError } from '../errors.ts';
import { COMMIT_TRIES_MAX } from '../limits.ts';

export type Verdict =
  /** Try the commit again. */
  | 'again'
  /** Not by trying again at once: the run is taken up again later, from its input. */
  | 'put_off'
  /** The run has failed for these inputs. */
  | 'failed';

/** Limits of one change, which it is over the next time too. Any other is of what goes on at the moment, and passes. */
const LIMITS_OF_A_CHANGE: ReadonlySet<string> = new Set(['COMMIT_BYTES_MAX', 'PARENTS_MAX']);

/** G9: nothing is tried at once for ever, which keeps newer inputs waiting, and what passes fails no run. */
export function verdictOn(error: StudioError, tries: number): Verdict {
  const isTired = tries >= COMMIT_TRIES_MAX;
  if (error.code === 'data_loss') return 'put_off';
  if (['unavailable', 'aborted', 'deadline_exceeded', 'canceled'].includes(error.code)) return 'again';
  // The studio's own fault, which may be due to this content.
  if (error.code === 'internal') return isTired ? 'failed' : 'again';
  return isPassing(error) ? (isTired ? 'put_off' : 'again') : 'failed';
}

/** What is stored of a blob can't be loaded: it may be mended, but not by trying again at once. */
export function isBroken(error: unknown): error is StudioError {
  return error instanceof StudioError && error.code === 'data_loss';
}

function isPassing({ reason, metadata }: StudioError): boolean {
  // The source was read a moment ago: a parent that is not found is one whose head is still on its way.
  if (reason === 'PARENT_NOT_FOUND') return true;
  return reason === 'LIMIT_EXCEEDED' && !LIMITS_OF_A_CHANGE.has(metadata['limit'] ?? '');
}
