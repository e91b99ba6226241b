import { StudioError } from '../../errors.ts';
import { JWKS_BYTES_MAX } from '../../limits.ts';
import type { FetchImplementation } from 'jose';

/** Reads a key set of at most JWKS_BYTES_MAX; whatever hinders it is IDENTITY_UNAVAILABLE. */
export const fetchKeySet: FetchImplementation = async (url, options) => {
  try {
    const response = await fetch(url, options);
    if (!response.ok || !response.body) throw new Error(`the key set was answered with status ${response.status}`);
    return new Response(await readBounded(response.body), { status: 200, headers: response.headers });
  } catch (error) {
    throw new StudioError(
      'IDENTITY_UNAVAILABLE',
      'The keys that tokens are checked with cannot be read now.',
      {},
      { cause: error },
    );
  }
};

async function readBounded(body: ReadableStream<Uint8Array>): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > JWKS_BYTES_MAX) throw new Error(`the key set has more than ${JWKS_BYTES_MAX} bytes`);
    chunks.push(new Uint8Array(chunk));
  }
  return new Blob(chunks);
}
