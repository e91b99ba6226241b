import { createHash } from 'node:crypto';
import { TOKENS_CACHED_MAX } from '../../limits.ts';
import type { Caller } from '../../domain/access/caller.ts';

interface Entry {
  readonly caller: Caller;
  readonly validUntilMs: number;
}

/** Verified tokens by their SHA-256 (never the tokens themselves), least recently used ones leave first. */
export class TokenCache {
  readonly #entries = new Map<string, Entry>();
  readonly #sizeMax: number;

  constructor(sizeMax = TOKENS_CACHED_MAX) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  static key(token: string): string {
    return createHash('sha256').update(token).digest('base64');
  }

  get(key: string, nowMs: number): Caller | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.validUntilMs <= nowMs) return undefined;
    this.#entries.set(key, entry);
    return entry.caller;
  }

  set(key: string, caller: Caller, validUntilMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { caller, validUntilMs });
    if (this.#entries.size <= this.#sizeMax) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}
