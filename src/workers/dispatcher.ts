/** From events to signals. An event is done with once the workflow of its root is sure to look. */
import { supportsType } from '../domain/derivation/trigger.ts';
import type { Provider } from '../domain/derivation/provider.ts';
import type { StudioEvent } from '../events/contract.ts';
import type { Registrations } from '../providers/stores.ts';
import type { RootSignals } from './signals.ts';

export class Dispatcher {
  readonly #providers: Pick<Registrations, 'activeFor'>;
  readonly #signals: RootSignals;
  /** Owner → the lookup that is under way, and the one that starts after it. */
  readonly #lookups = new Map<string, { readonly now: Promise<Provider[]>; next?: Promise<Provider[]> }>();

  constructor(providers: Pick<Registrations, 'activeFor'>, signals: RootSignals) {
    this.#providers = providers;
    this.#signals = signals;
  }

  /** Resolves when the event may be acknowledged; rejects to get it again. */
  async handle(event: StudioEvent): Promise<void> {
    // A workflow that commits an output plans again by itself; telling it would only double the plans.
    if (event.providerId !== undefined) return;
    const providers = await this.#activeFor(event.owner);
    if (!providers.some((provider) => concerns(provider, event))) return;
    await this.#signals.signal(event.rootId, event.owner, {
      [event.blobId]: { version: event.version, causedBy: event.deltaId },
    });
  }

  /**
   * The active providers, read after this call was made: a lookup under way may have missed one registered just before
   * the event. Callers that come while one is under way share the next, so a burst costs a few lookups.
   */
  #activeFor(owner: string): Promise<Provider[]> {
    const known = this.#lookups.get(owner);
    if (!known) return this.#lookUp(owner);
    known.next ??= known.now.catch(() => undefined).then(() => this.#lookUp(owner));
    return known.next;
  }

  #lookUp(owner: string): Promise<Provider[]> {
    const now = this.#providers.activeFor(owner);
    const entry = { now };
    this.#lookups.set(owner, entry);
    const forget = (): void => {
      if (this.#lookups.get(owner) === entry && !('next' in entry)) this.#lookups.delete(owner);
    };
    now.then(forget, forget);
    return now;
  }
}

/** What is undeleted may be a derived blob, of a type no provider takes, whose source has changed in the meantime. */
function concerns(provider: Provider, event: StudioEvent): boolean {
  if (provider.triggerEvents.length === 0) return false;
  return event.operation === 'undelete' || supportsType(provider.supportedTypes, event.contentType);
}
