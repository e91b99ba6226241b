/** Why a raw update is not taken. */
import { StudioError, type Reason } from '../../errors.ts';
import { LeanMap } from './lean-map.ts';

export function malformed(why: string): StudioError {
  return new StudioError('UPDATE_MALFORMED', `The update is not a well-formed Yjs update: ${why}.`);
}

export function tooComplex(limit: string, why: string): StudioError {
  return new StudioError('UPDATE_TOO_COMPLEX', `The update ${why}.`, { limit });
}

/** It may be as honest as any, but what it would cost is not known before it was tried where it can be stopped. */
export class NeedsTrial extends StudioError {
  constructor() {
    super('UPDATE_TOO_COMPLEX', 'The update would be integrated too slowly.', { limit: 'UPDATE_STEPS_UNTRIED_MAX' });
  }
}

/** What is forbidden in this blob, whoever sends it. */
export function forbidden(
  reason: Extract<Reason, 'UPDATE_ROOT_FORBIDDEN' | 'UPDATE_CONTENT_FORBIDDEN'>,
  why: string,
): StudioError {
  return new StudioError(reason, `The update does not fit the blob's content type: ${why}.`);
}

/** Places named in one error; what is missing beyond them shows when these are there. */
const NAMED_MAX = 20;

export class Missing {
  readonly #places = new LeanMap<number, number>();

  /** The server knows the client's structs up to, not including, `clock`. */
  add(client: number, clock: number): void {
    if (this.#places.size < NAMED_MAX) this.#places.set(client, clock);
  }

  /** G6: says what is missing instead of keeping the update for later. */
  throwIfAny(): void {
    if (this.#places.size === 0) return;
    const missing: string[] = [];
    this.#places.forEach((clock, client) => missing.push(`${client}:${clock}`));
    throw new StudioError('UPDATE_DEPENDS_ON_MISSING', 'The update depends on edits the server does not have.', {
      missing: missing.join(','),
    });
  }
}
