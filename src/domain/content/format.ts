/** The forms a blob's content can be read in. */
import type * as Y from 'yjs';
import { StudioError } from '../../errors.ts';
import { readCanonical } from './canonical.ts';
import { rootOf } from './document.ts';
import { toProsemirrorJson } from './prosemirror-json.ts';
import { readRich } from './rich-document.ts';
import { toPlainText } from './rich-text.ts';
import { shapeOf } from './shape.ts';

export type ContentFormat = 'canonical' | 'prosemirror_json' | 'plain_text';

/** UTF-8 (see readCanonical for what canonical is). Throws CONTENT_FORMAT_UNSUPPORTED for a form the type does not have. */
export function readContent(doc: Y.Doc, contentType: string, format: ContentFormat): Uint8Array {
  requireFormat(contentType, format);
  const shape = shapeOf(contentType);
  if (format === 'canonical' || shape !== 'rich') return readCanonical(doc, contentType);
  const nodes = readRich(rootOf(doc, 'rich'));
  return Buffer.from(format === 'plain_text' ? toPlainText(nodes) : JSON.stringify(toProsemirrorJson(nodes)), 'utf8');
}

/** The form in which whole content of the type is also taken. */
export function writtenFormat(contentType: string): ContentFormat {
  return shapeOf(contentType) === 'rich' ? 'prosemirror_json' : 'canonical';
}

/** Throws CONTENT_FORMAT_UNSUPPORTED. */
export function requireFormat(contentType: string, format: ContentFormat = 'canonical'): void {
  const shape = shapeOf(contentType);
  if (format === 'canonical' || shape === 'rich' || (format === 'plain_text' && shape === 'text')) return;
  throw new StudioError(
    'CONTENT_FORMAT_UNSUPPORTED',
    `A blob of type "${contentType}" can't be read as ${format.toUpperCase()}.`,
    { content_type: contentType, content_format: format },
  );
}
