import type * as Y from 'yjs';
import { contentSize } from '../../domain/content/canonical.ts';
import { StudioError } from '../../errors.ts';
import { RICH_CHARACTERS_MAX } from '../../limits.ts';

/** Of content too large to be written out: more than content may have. Only its own blob is harmed by that. */
export function contentBytes(doc: Y.Doc, contentType: string): number {
  try {
    return contentSize(doc, contentType);
  } catch (error) {
    if (error instanceof StudioError && error.reason === 'CONTENT_TOO_LARGE') return RICH_CHARACTERS_MAX;
    throw error;
  }
}
