/** When a provider runs on a blob. Decided from the two as they are now, never from the event that made us look. */
import type { Blob } from '../blob.ts';
import type { Provider } from './provider.ts';
import { CLOCKS_APART_MS_MAX } from '../../limits.ts';

/** `text/markdown` matches itself, `text/*`, and parameters after `;` are not looked at. No list: everything matches. */
export function supportsType(supportedTypes: readonly string[], contentType: string): boolean {
  if (supportedTypes.length === 0) return true;
  const essence = essenceOf(contentType);
  return supportedTypes.some((supported) => {
    const wanted = essenceOf(supported);
    return wanted === essence || (wanted.endsWith('/*') && essence.startsWith(wanted.slice(0, -1)));
  });
}

/** Lower case, without parameters. */
export function essenceOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

export function isTextType(contentType: string): boolean {
  return essenceOf(contentType).startsWith('text/');
}

export function isJsonType(contentType: string): boolean {
  const essence = essenceOf(contentType);
  return essence === 'application/json' || essence.endsWith('+json');
}

/** Scope `all` sees every blob, scope `own` only its owner's (G8). */
export function providerMayRead(provider: Pick<Provider, 'scope' | 'userId'>, blob: Pick<Blob, 'userId'>): boolean {
  return provider.scope === 'all' || provider.userId === blob.userId;
}

/** Everything about the input that can be told without its content, whoever asks for the run. */
export function takesInput(provider: Provider, blob: Blob): boolean {
  return (
    blob.deletedAt === undefined &&
    providerMayRead(provider, blob) &&
    supportsType(provider.supportedTypes, blob.contentType) &&
    blob.size <= provider.maxInputSize
  );
}

/**
 * Whether a provider runs on this source by itself. `derived` is what it made of the source before.
 *
 * Without a derived blob, `blob.created` asks for one for blobs created since the provider was registered, and
 * `blob.updated` for blobs changed since then; so registering a provider does not start runs over everything its owner
 * ever wrote. The moments are of the clocks of two processes, so what came shortly before counts too. With one, only `blob.updated` keeps it up to date.
 */
export function triggers(provider: Provider, source: Blob, derived: Blob | undefined): boolean {
  if (provider.status !== 'active' || !takesInput(provider, source)) return false;
  if (source.createdBy !== 'user' && !provider.onDerived) return false;
  const onCreated = provider.triggerEvents.includes('blob.created');
  const onUpdated = provider.triggerEvents.includes('blob.updated');
  if (derived) return onUpdated && isOutOfDate(provider, source, derived);
  const sinceMs = provider.createdAt.getTime() - CLOCKS_APART_MS_MAX;
  if (onCreated && source.createdAt.getTime() >= sinceMs) return true;
  return onUpdated && source.contentVersion > 1 && source.updatedAt.getTime() >= sinceMs;
}

/** Made from older content of the source, or by an older version of the provider. Versions that only noted something don't count. */
export function isOutOfDate(provider: Pick<Provider, 'id' | 'version'>, source: Blob, derived: Blob): boolean {
  const made = derived.derivedFrom;
  if (!made || made.providerId !== provider.id) return true;
  const input = made.inputs.find((receipt) => receipt.blobId === source.id);
  return !input || input.version < source.contentVersion || made.providerVersion < provider.version;
}
