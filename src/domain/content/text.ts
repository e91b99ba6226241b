/** UTF-8, strictly. */
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX } from '../../limits.ts';
import { contentTooLarge } from './size.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws CONTENT_TOO_LARGE beyond CONTENT_BYTES_MAX, CONTENT_INVALID for bytes that are not UTF-8. A BOM is content. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.byteLength > CONTENT_BYTES_MAX) throw contentTooLarge();
  try {
    return DECODER.decode(bytes);
  } catch (error) {
    throw new StudioError('CONTENT_INVALID', 'The content is not valid UTF-8.', {}, { cause: error });
  }
}
