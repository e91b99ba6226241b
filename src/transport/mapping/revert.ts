import { StudioError } from '../../errors.ts';
import { numberOf } from './number.ts';
import type { RevertTarget } from '../../domain/delta.ts';
import type { RevertBlobRequest } from '../../gen/memmie/studio/v1/blob_service_pb.ts';

/** Throws FIELD_INVALID when the request has no target. */
export function revertTargetOf({ target }: RevertBlobRequest): RevertTarget {
  switch (target.case) {
    case 'toVersion':
      return { kind: 'version', version: numberOf(target.value, 'to_version') };
    case 'deltas':
      return { kind: 'deltas', ids: [...new Set(target.value.ids)] };
    case 'author': {
      const { userId, versions } = target.value;
      return {
        kind: 'author',
        userId,
        first: versions && numberOf(versions.first, 'author.versions.first'),
        last: versions && numberOf(versions.last, 'author.versions.last'),
      };
    }
    case undefined:
    default:
      throw new StudioError('FIELD_INVALID', 'The request must have a target.', { field: 'target', rule: 'required' });
  }
}
