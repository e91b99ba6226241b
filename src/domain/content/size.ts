import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX, JSON_STRUCTS_MAX, RICH_STRUCTS_MAX } from '../../limits.ts';

export function contentTooLarge(): StudioError {
  return new StudioError(
    'CONTENT_TOO_LARGE',
    `Content may have at most ${CONTENT_BYTES_MAX} bytes in canonical form.`,
    {
      limit: 'CONTENT_BYTES_MAX',
    },
  );
}

/** Of what raw updates made: it can't be read until less is in it. */
export function tooMuchToWrite(limit: 'RICH_CHARACTERS_MAX' | 'RICH_MARKS_MAX'): StudioError {
  return new StudioError('CONTENT_TOO_LARGE', 'The content is too large to be written out.', { limit });
}

export function tooManyParts(limit: 'JSON_STRUCTS_MAX' | 'RICH_STRUCTS_MAX'): StudioError {
  const [max, parts] =
    limit === 'JSON_STRUCTS_MAX'
      ? [JSON_STRUCTS_MAX, 'objects, arrays and keys']
      : [RICH_STRUCTS_MAX, 'nodes, attributes, runs of text and marks'];
  return new StudioError('CONTENT_TOO_LARGE', `Content of this type may have at most ${max} ${parts}.`, { limit });
}
