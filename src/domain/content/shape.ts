/** How a blob's content type says what lives in its Y.Doc. */
import { StudioError } from '../../errors.ts';

/** How content of a type lives in its Yjs document: see `rootOf`. */
export type Shape = 'text' | 'json' | 'rich' | 'yjs' | 'binary';

/** ProseMirror documents as Tiptap binds them. */
export const RICH_CONTENT_TYPE = 'application/vnd.studio.prosemirror+yjs';
/** Any Y.Doc, opaque. */
export const YJS_CONTENT_TYPE = 'application/vnd.yjs';

/** RFC 6838 names, at most 127 characters each side. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;

/** Lower case, without parameters. `text/plain; charset=utf-8` is `text/plain`; another charset is refused. */
export function normalizeContentType(contentType: string): string {
  // Asked at every step of an edit, nearly always for a type that is normal already.
  if (MEDIA_TYPE.test(contentType)) return contentType;
  const [essence = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (!MEDIA_TYPE.test(essence) || (charset !== undefined && charset !== 'utf-8' && charset !== 'us-ascii')) {
    throw new StudioError(
      'CONTENT_TYPE_UNSUPPORTED',
      `"${contentType.slice(0, 100)}" is not a media type the studio keeps.`,
      {
        field: 'content_type',
      },
    );
  }
  return essence;
}

export function shapeOf(contentType: string): Shape {
  const essence = normalizeContentType(contentType);
  if (essence === RICH_CONTENT_TYPE) return 'rich';
  if (essence === YJS_CONTENT_TYPE) return 'yjs';
  if (essence.startsWith('text/')) return 'text';
  if (essence === 'application/json' || essence.endsWith('+json')) return 'json';
  return 'binary';
}
