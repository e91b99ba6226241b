import { StudioError } from '../errors.ts';
import type { HttpRequest } from './http.ts';

/** The whole body; LIMIT_EXCEEDED as soon as it is known to be larger than `bytesMax`. */
export async function readBody(request: HttpRequest, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = (): StudioError =>
    new StudioError('LIMIT_EXCEEDED', `A request has at most ${bytesMax} bytes.`, {
      limit: 'REQUEST_BYTES_MAX',
      bytes_max: String(bytesMax),
    });
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
