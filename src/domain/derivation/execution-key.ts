import { createHash } from 'node:crypto';
import type { Blob, Receipt } from '../blob.ts';
import { DERIVED_ID_PREFIX } from '../ids.ts';
import type { Provider } from './provider.ts';

/**
 * The id of the blob a provider derives from a source. A function of the two, so that two waves that both find it
 * missing make one blob, not two (G9).
 */
export function derivedBlobId(sourceId: string, providerId: string): string {
  return `${DERIVED_ID_PREFIX}${digest(['derived', sourceId, providerId]).digest('base64url')}`;
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

/**
 * The key of a provider's run on a source as it is now. Named by the version that last changed the content: one that
 * only noted something gives no new run, and no new attempts to a failed one.
 */
export function keyOfRun(
  provider: Pick<Provider, 'id' | 'version'>,
  source: Pick<Blob, 'id' | 'version' | 'contentVersion'>,
): string {
  const version = Math.min(source.version, source.contentVersion);
  return executionKey({
    derivedId: derivedBlobId(source.id, provider.id),
    providerId: provider.id,
    providerVersion: provider.version,
    inputs: [{ blobId: source.id, version }],
  });
}

/** Names what a caller asks for with a request id: one provider's run on one blob (G4). */
export function runRequestKey(request: {
  readonly userId: string;
  readonly blobId: string;
  readonly providerId: string;
  readonly requestId: string;
}): string {
  const { userId, blobId, providerId, requestId } = request;
  return digest(['request', userId, blobId, providerId, requestId]).digest('base64url');
}

/** Each part carries its length: no two lists of parts give the same bytes. */
function digest(parts: readonly string[]): ReturnType<typeof createHash> {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash;
}
