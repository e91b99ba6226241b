/**
 * Who is in one blob, and where their cursors are, as far as this process knows. Nothing of it is stored.
 *
 * A state belongs to the connection that brought it. The stock provider echoes whatever it learns, and declares others
 * gone whom it has not heard of for a while: so of a state that is another connection's only a newer one of the same
 * user counts (a tab that reconnected, here or to another process, before its old connection was found dead).
 */
import {
  AWARENESS_BYTES_MAX,
  AWARENESS_CLIENTS_PER_CONNECTION_MAX,
  AWARENESS_DEPARTED_CLIENTS_MAX,
  AWARENESS_REMOTE_AGE_MS_MAX,
} from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { GONE, writeAwarenessUpdate, type AwarenessEntry } from './awareness-update.ts';

export interface AwarenessMember {
  readonly userId: string;
  sendAwareness(update: Uint8Array): void;
}

interface State {
  readonly entry: AwarenessEntry;
  /** Absent: another process has it. */
  readonly owner?: AwarenessMember;
  readonly heardAtMs: number;
}

export class AwarenessRoom {
  readonly #members = new Set<AwarenessMember>();
  readonly #states = new Map<number, State>();
  readonly #departed = new Map<number, number>();

  get size(): number {
    return this.#members.size;
  }

  join(member: AwarenessMember): void {
    this.#members.add(member);
  }

  /** All states, or, with `ownOnly`, those of this process's connections; undefined if there is none. */
  snapshot(ownOnly = false): Uint8Array | undefined {
    const entries = [...this.#states.values()].filter(({ owner }) => !ownOnly || owner).map(({ entry }) => entry);
    return entries.length > 0 ? writeAwarenessUpdate(entries) : undefined;
  }

  /** What of it was new, for the other processes. Throws CONTENT_TOO_LARGE; then nothing of it was taken. */
  takeFrom(member: AwarenessMember, entries: readonly AwarenessEntry[], nowMs: number): Uint8Array | undefined {
    const news: AwarenessEntry[] = [];
    const revived: AwarenessEntry[] = [];
    for (const entry of entries) {
      const known = this.#states.get(entry.clientId);
      const departedAt = this.#departed.get(entry.clientId);
      if (known) {
        const own = known.owner === member;
        const newer = entry.clock > known.entry.clock;
        const gone = entry.state === GONE;
        if (own ? newer || (gone && entry.clock === known.entry.clock) : newer && !gone && mayTakeOver(member, known)) {
          news.push(entry);
        }
      } else if (entry.state !== GONE) {
        if (departedAt === undefined || entry.clock > departedAt) news.push(entry);
        // Its own client answers this with a higher clock; an echo is corrected by it.
        else revived.push({ clientId: entry.clientId, clock: departedAt, state: GONE });
      }
    }
    this.#requireWithinLimits(member, news);
    for (const entry of news) this.#set(entry, member, nowMs);
    if (revived.length > 0) member.sendAwareness(writeAwarenessUpdate(revived));
    return this.#tell(news, member);
  }

  /** What another process knows. */
  takeRemote(entries: readonly AwarenessEntry[], nowMs: number): void {
    const news: AwarenessEntry[] = [];
    for (const entry of entries) {
      const known = this.#states.get(entry.clientId);
      const clock = known?.entry.clock ?? this.#departed.get(entry.clientId) ?? -1;
      if (entry.clock > clock || (entry.clock === clock && entry.state === GONE && known && !known.owner))
        news.push(entry);
      else if (known && !known.owner && entry.clock === clock)
        this.#states.set(entry.clientId, { entry, heardAtMs: nowMs });
    }
    for (const entry of news) this.#set(entry, undefined, nowMs);
    this.#tell(news);
  }

  /** Takes the states that were the member's with it; returns that news for the other processes. */
  leave(member: AwarenessMember): Uint8Array | undefined {
    this.#members.delete(member);
    return this.#remove((state) => state.owner === member);
  }

  /** A process that died took nothing back: its states age out. */
  expireRemote(nowMs: number): void {
    this.#remove((state) => !state.owner && nowMs - state.heardAtMs > AWARENESS_REMOTE_AGE_MS_MAX);
  }

  #remove(condition: (state: State) => boolean): Uint8Array | undefined {
    const news = [...this.#states.values()].filter(condition).map(({ entry }) => ({ ...entry, state: GONE }));
    for (const entry of news) this.#set(entry, undefined, 0);
    return this.#tell(news);
  }

  #set(entry: AwarenessEntry, owner: AwarenessMember | undefined, nowMs: number): void {
    if (entry.state !== GONE) {
      this.#departed.delete(entry.clientId);
      this.#states.set(entry.clientId, { entry, owner, heardAtMs: nowMs });
      return;
    }
    this.#states.delete(entry.clientId);
    this.#departed.set(entry.clientId, entry.clock);
    if (this.#departed.size <= AWARENESS_DEPARTED_CLIENTS_MAX) return;
    const oldest = this.#departed.keys().next();
    if (!oldest.done) this.#departed.delete(oldest.value);
  }

  #tell(news: readonly AwarenessEntry[], except?: AwarenessMember): Uint8Array | undefined {
    if (news.length === 0) return undefined;
    const update = writeAwarenessUpdate(news);
    for (const member of this.#members) if (member !== except) member.sendAwareness(update);
    return update;
  }

  #requireWithinLimits(member: AwarenessMember, news: readonly AwarenessEntry[]): void {
    if (news.length === 0) return;
    const owned = new Map<number, number>();
    for (const { entry, owner } of this.#states.values())
      if (owner === member) owned.set(entry.clientId, entry.state.length);
    for (const { clientId, state } of news) {
      if (state === GONE) owned.delete(clientId);
      else owned.set(clientId, state.length);
    }
    const characters = [...owned.values()].reduce((sum, length) => sum + length, 0);
    if (owned.size > AWARENESS_CLIENTS_PER_CONNECTION_MAX) throw overLimit('AWARENESS_CLIENTS_PER_CONNECTION_MAX');
    if (characters > AWARENESS_BYTES_MAX) throw overLimit('AWARENESS_BYTES_MAX');
  }
}

function mayTakeOver(member: AwarenessMember, { owner }: State): boolean {
  return owner === undefined || owner.userId === member.userId;
}

function overLimit(limit: string): StudioError {
  return new StudioError('CONTENT_TOO_LARGE', `One connection's awareness is bounded (${limit}).`, { limit });
}
