import { createHash } from 'node:crypto';
import type { Receipt } from './blob.ts';

/**
 * The id of the blob a provider derives from a source. A function of the two, so that two waves that both find it
 * missing make one blob, not two (G9).
 */
export function derivedBlobId(sourceId: string, providerId: string): string {
  return `derived-${digest(['derived', sourceId, providerId]).digest('base64url')}`;
}

/** Lower-case hexadecimal SHA-256 naming one run of one provider version over fixed input versions (G9). */
export function executionKey(run: {
  readonly derivedId: string;
  readonly providerId: string;
  readonly providerVersion: number;
  readonly inputs: readonly Receipt[];
}): string {
  const inputs = run.inputs
    .map((input) => [input.blobId, String(input.version)])
    .sort(([left = ''], [right = '']) => (left < right ? -1 : 1))
    .flat();
  return digest(['execution', run.derivedId, run.providerId, String(run.providerVersion), ...inputs]).digest('hex');
}

/** Each part carries its length: no two lists of parts give the same bytes. */
function digest(parts: readonly string[]): ReturnType<typeof createHash> {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash;
}
