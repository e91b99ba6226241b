import { StudioError } from '../../errors.ts';
import {
  OffsetEncoding as OffsetEncodingMessage,
  type TextEdit as TextEditMessage,
} from '../../gen/memmie/studio/v1/delta_pb.ts';
import { numberOf } from './number.ts';
import type { OffsetEncoding, Patch, TextEdit } from '../../domain/delta.ts';
import type { ApplyDeltaRequest } from '../../gen/memmie/studio/v1/delta_service_pb.ts';

/** Throws FIELD_INVALID when the request has no patch or an encoding that is not one. */
export function patchOf(request: Pick<ApplyDeltaRequest, 'patch'>): Patch {
  const { patch } = request;
  switch (patch.case) {
    case 'textEdits':
      return {
        kind: 'text_edits',
        edits: patch.value.edits.map(editOf),
        encoding: offsetEncodingOf(patch.value.encoding),
      };
    case 'jsonPatch':
      return { kind: 'json_patch', patch: patch.value };
    case 'mergePatch':
      return { kind: 'merge_patch', patch: patch.value };
    case 'content':
      return { kind: 'content', content: patch.value };
    case 'yjsUpdate':
      return { kind: 'yjs_update', update: patch.value };
    case 'revertToVersion':
      return { kind: 'revert', target: { kind: 'version', version: numberOf(patch.value, 'revert_to_version') } };
    case undefined:
    default:
      throw new StudioError('FIELD_INVALID', 'The request must have a patch.', { field: 'patch', rule: 'required' });
  }
}

/** Without what the message carries beside its fields: the edit is stored as it is. */
function editOf({ offset, deleteCount, insert }: TextEditMessage): TextEdit {
  return { offset, deleteCount, insert };
}

function offsetEncodingOf(encoding: OffsetEncodingMessage): OffsetEncoding {
  switch (encoding) {
    case OffsetEncodingMessage.UNSPECIFIED:
    case OffsetEncodingMessage.CODE_POINTS:
      return 'code_points';
    case OffsetEncodingMessage.UTF16:
      return 'utf16';
    case OffsetEncodingMessage.UTF8:
      return 'utf8';
    default:
      // Enums are open: a newer client may send a number that is not in ours.
      throw new StudioError('FIELD_INVALID', 'encoding is not one that this studio knows.', {
        field: 'text_edits.encoding',
        rule: 'enum.defined_only',
      });
  }
}
