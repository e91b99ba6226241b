/**
 * Yjs client ids for edits the server makes. An id may author an edit only if its clock in the edit's base equals its
 * clock at the head being committed onto; otherwise the same clocks would name two contents and one would be lost
 * without a trace. Ids cost every later transaction on the document, so idle ones are used again.
 */
import { randomInt } from 'node:crypto';

/** Providers' ids are lower than everyone's: where a person's later offline edit ties with theirs, the person's wins. */
const PROVIDER_IDS = { from: 1, to: 2 ** 24 } as const;
/** Yjs clients draw from 32 bits; the upper half is left to them. */
const USER_IDS = { from: 2 ** 24, to: 2 ** 31 } as const;

export interface Clocks {
  /** The id's clock in the edit's base. */
  inBase(clientId: number): number;
  /** The id's clock at the head being committed onto, accepted updates included. */
  atHead(clientId: number): number;
}

export class ClientIds {
  readonly #minted: Record<'user' | 'provider', number[]> = { user: [], provider: [] };

  /** The predecessor's id if it is free to author, else an idle one of this process and blob, else a new one. */
  choose(kind: 'user' | 'provider', preferred: number | undefined, clocks: Clocks): number {
    const isFree = (id: number): boolean => clocks.inBase(id) === clocks.atHead(id);
    if (preferred !== undefined && isFree(preferred)) return preferred;
    const idle = this.#minted[kind].find(isFree);
    if (idle !== undefined) return idle;
    const range = kind === 'provider' ? PROVIDER_IDS : USER_IDS;
    for (;;) {
      const id = randomInt(range.from, range.to);
      if (clocks.atHead(id) !== 0 || clocks.inBase(id) !== 0) continue;
      this.#minted[kind].push(id);
      return id;
    }
  }
}
