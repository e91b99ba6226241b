import { StudioError } from '../../errors.ts';
import { ContentFormat as ContentFormatMessage } from '../../gen/memmie/studio/v1/blob_pb.ts';
import type { ContentFormat } from '../../domain/content/format.ts';

/** Throws FIELD_INVALID for a number that is none of ours: enums are open. */
export function contentFormatOf(format: ContentFormatMessage): ContentFormat {
  switch (format) {
    case ContentFormatMessage.UNSPECIFIED:
    case ContentFormatMessage.CANONICAL:
      return 'canonical';
    case ContentFormatMessage.PROSEMIRROR_JSON:
      return 'prosemirror_json';
    case ContentFormatMessage.PLAIN_TEXT:
      return 'plain_text';
    default:
      throw new StudioError('FIELD_INVALID', 'content_format is not one that this studio knows.', {
        field: 'content_format',
        rule: 'enum.defined_only',
      });
  }
}
