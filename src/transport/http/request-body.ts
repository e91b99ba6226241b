import { constants } from 'node:http2';
import { StudioError } from '../../errors.ts';
import { REQUEST_RECEIVE_MS_MAX } from '../../limits.ts';
import type { HttpRequest } from './http.ts';
import type { Receipt } from './received-bytes.ts';

/** Throws LIMIT_EXCEEDED. */
export function requireFewBytes(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return;
  throw new StudioError('LIMIT_EXCEEDED', `A request has at most ${bytesMax} bytes.`, {
    limit: 'REQUEST_BYTES_MAX',
    bytes_max: String(bytesMax),
  });
}

/** The whole body; LIMIT_EXCEEDED as soon as it is known to be larger than `bytesMax`, or than there is room for. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  announced: number,
  bytesMax: number,
  receipt: Receipt,
): Promise<Uint8Array> {
  requireFewBytes(announced, bytesMax);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    requireFewBytes(bytes, bytesMax);
    receipt.take(chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** G7: node:http ends a request that comes too slowly by itself, node:http2 keeps what it has of it for ever. */
export function endIfSlow(request: HttpRequest, msMax = REQUEST_RECEIVE_MS_MAX): void {
  if (!('stream' in request)) return;
  const { stream } = request;
  const late = setTimeout(() => {
    if (!request.complete) stream.close(constants.NGHTTP2_CANCEL);
  }, msMax);
  late.unref();
  stream.once('close', () => clearTimeout(late));
}
