/**
 * Who is in one blob, and where their cursors are, as far as this process knows. Nothing of it is stored.
 *
 * A state belongs to the connection that brought it, and its client to that connection's user, also once it has left. The
 * stock provider echoes whatever it learns, and declares others gone whom it has not heard of for a while: so of a state
 * that is another connection's only a newer one of the same user counts (a tab that reconnected, here or to another
 * process, before its old connection was found dead), and nobody else brings a client back.
 *
 * What changes is gathered until `flush`, the newest state of each client only, and then encoded once for all.
 */
import {
  AWARENESS_BYTES_MAX,
  AWARENESS_CLIENTS_PER_CONNECTION_MAX,
  AWARENESS_DEPARTED_CLIENTS_MAX,
  AWARENESS_REMOTE_AGE_MS_MAX,
  AWARENESS_ROOM_BYTES_MAX,
} from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { GONE, requireJson, writeAwarenessUpdate, type AwarenessEntry } from './awareness-update.ts';

export interface AwarenessMember {
  readonly userId: string;
  /** `clientIds`: of whom the update speaks. */
  sendAwareness(update: Uint8Array, clientIds: readonly number[]): void;
  /**
   * The same, that these are gone, of which one may be its own client that came back with a clock from before: it is to
   * say so with a higher one.
   */
  sendDeparted(update: Uint8Array, clientIds: readonly number[]): void;
}

interface State {
  readonly entry: AwarenessEntry;
  /** Absent: another process has it. */
  readonly owner?: AwarenessMember;
  readonly heardAtMs: number;
}

export class AwarenessRoom {
  readonly #members = new Set<AwarenessMember>();
  /** Members that have not been told anything yet: they get all there is. */
  readonly #newcomers = new Set<AwarenessMember>();
  readonly #states = new Map<number, State>();
  #stateCharacters = 0;
  readonly #departed = new Map<number, AwarenessEntry>();
  /** Clients with news since the last flush, and whether the news is this process's own. */
  readonly #changed = new Map<number, boolean>();
  /** The one member whom all of it came from, who need not be told; null: there are several. */
  #source: AwarenessMember | null | undefined;
  #lastTold: Uint8Array | undefined;

  get size(): number {
    return this.#members.size;
  }

  get hasNews(): boolean {
    return this.#changed.size > 0 || (this.#newcomers.size > 0 && this.#states.size > 0);
  }

  join(member: AwarenessMember): void {
    this.#members.add(member);
    this.#newcomers.add(member);
  }

  /** All states, or, with `ownOnly`, those of this process's connections. */
  entries(ownOnly = false): AwarenessEntry[] {
    return [...this.#states.values()].filter(({ owner }) => !ownOnly || owner).map(({ entry }) => entry);
  }

  /** What is known now of these clients, the departed included. */
  entriesOf(clientIds: Iterable<number>): AwarenessEntry[] {
    const entries: AwarenessEntry[] = [];
    for (const clientId of clientIds) {
      const entry = this.#states.get(clientId)?.entry ?? this.#departed.get(clientId);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  /** All states, and of those who left, as far as is known, that they did: for one who may have missed either. */
  entriesWithDeparted(): AwarenessEntry[] {
    return this.entriesOf([...this.#states.keys(), ...this.#departed.keys()]);
  }

  /** Whether it is, byte for byte, what everybody was told last: the stock provider sends that back. */
  isEcho(update: Uint8Array): boolean {
    return this.#lastTold !== undefined && Buffer.compare(update, this.#lastTold) === 0;
  }

  /**
   * Throws UPDATE_MALFORMED or CONTENT_TOO_LARGE; then nothing of it was taken. G7: of what a connection says for several
   * clients, that over its bound is left out: the stock provider speaks for all tabs of its browser, and each of those
   * for itself, too.
   */
  takeFrom(member: AwarenessMember, entries: readonly AwarenessEntry[], nowMs: number): void {
    const news: AwarenessEntry[] = [];
    const revived: AwarenessEntry[] = [];
    for (const entry of entries) {
      const known = this.#states.get(entry.clientId);
      const departed = this.#departed.get(entry.clientId);
      if (known) {
        const own = known.owner === member;
        const newer = entry.clock > known.entry.clock;
        const gone = entry.state === GONE;
        if (
          own
            ? newer || (gone && entry.clock === known.entry.clock)
            : newer && !gone && mayBe(known.entry, member.userId)
        ) {
          news.push(entry);
        }
      } else if (entry.state !== GONE) {
        // Its own client comes back with a higher clock; an echo is corrected by it.
        if (departed && entry.clock <= departed.clock) revived.push(departed);
        else if (mayBe(departed, member.userId)) news.push(entry);
      }
    }
    for (const entry of news) requireJson(entry);
    const { userId } = member;
    for (const entry of this.#withinLimits(member, news)) this.#set({ ...entry, userId }, member, nowMs, member);
    tellDeparted(member, revived);
  }

  /**
   * What another process knows. Returns who of them has left by what is known here: the process to which one came back
   * with its old clock may know nothing of that, and its client is to be told there.
   */
  takeRemote(entries: readonly AwarenessEntry[], nowMs: number): AwarenessEntry[] {
    const departed: AwarenessEntry[] = [];
    for (const told of entries) {
      const known = this.#states.get(told.clientId);
      const before = known?.entry ?? this.#departed.get(told.clientId);
      if (!mayBe(before, told.userId)) continue;
      const entry = { ...told, userId: told.userId ?? before?.userId };
      const clock = before?.clock ?? -1;
      if (known?.owner && entry.state === GONE && entry.clock === clock) tellDeparted(known.owner, [entry]);
      else if (before && !known && entry.state !== GONE && entry.clock <= clock) departed.push(before);
      else if (entry.clock > clock || (entry.clock === clock && entry.state === GONE && known && !known.owner))
        this.#set(entry, undefined, nowMs);
      else if (known && !known.owner && entry.clock === clock)
        this.#states.set(entry.clientId, { entry, heardAtMs: nowMs });
    }
    return departed;
  }

  /** Takes the states that were the member's with it. */
  leave(member: AwarenessMember): void {
    this.#members.delete(member);
    this.#newcomers.delete(member);
    for (const { entry, owner } of this.#states.values())
      if (owner === member) this.#set({ ...entry, state: GONE }, undefined, 0, member);
  }

  /** A process that died took nothing back: its states age out. */
  expireRemote(nowMs: number): void {
    for (const { entry, owner, heardAtMs } of this.#states.values())
      if (!owner && nowMs - heardAtMs > AWARENESS_REMOTE_AGE_MS_MAX) this.#set({ ...entry, state: GONE }, undefined, 0);
  }

  /** Tells the members what is new since the last time; returns what of it the other processes need. */
  flush(): AwarenessEntry[] {
    const changed = [...this.#changed.keys()];
    const own = changed.filter((clientId) => this.#changed.get(clientId));
    const source = this.#source;
    this.#changed.clear();
    this.#source = undefined;
    if (changed.length > 0) {
      const update = writeAwarenessUpdate(this.entriesOf(changed));
      this.#lastTold = update;
      for (const member of this.#members) {
        if (member !== source && !this.#newcomers.has(member)) member.sendAwareness(update, changed);
      }
    }
    this.#welcome();
    return this.entriesOf(own);
  }

  #welcome(): void {
    if (this.#newcomers.size === 0) return;
    const clientIds = [...this.#states.keys()];
    if (clientIds.length > 0) {
      const all = writeAwarenessUpdate(this.entries());
      for (const member of this.#newcomers) member.sendAwareness(all, clientIds);
    }
    this.#newcomers.clear();
  }

  #set(entry: AwarenessEntry, owner: AwarenessMember | undefined, nowMs: number, source?: AwarenessMember): void {
    const { clientId } = entry;
    const before = this.#states.get(clientId);
    const characters = this.#stateCharacters - (before?.entry.state.length ?? 0) + entry.state.length;
    if (entry.state === GONE) {
      this.#states.delete(clientId);
      this.#stateCharacters = characters - entry.state.length;
      this.#depart(entry);
    } else if (characters > AWARENESS_ROOM_BYTES_MAX) {
      // Presence is best effort: a document that is too crowded shows no more of it, and works on.
      return;
    } else {
      this.#departed.delete(clientId);
      this.#states.set(clientId, { entry, owner, heardAtMs: nowMs });
      this.#stateCharacters = characters;
    }
    this.#changed.set(clientId, source !== undefined || (this.#changed.get(clientId) ?? false));
    this.#source = this.#source === undefined || this.#source === source ? (source ?? null) : null;
  }

  #depart(entry: AwarenessEntry): void {
    this.#departed.set(entry.clientId, entry);
    if (this.#departed.size <= AWARENESS_DEPARTED_CLIENTS_MAX) return;
    const oldest = this.#departed.keys().next();
    if (!oldest.done) this.#departed.delete(oldest.value);
  }

  #withinLimits(member: AwarenessMember, news: readonly AwarenessEntry[]): AwarenessEntry[] {
    if (news.length === 0) return [];
    const owned = new Map<number, number>();
    for (const { entry, owner } of this.#states.values())
      if (owner === member) owned.set(entry.clientId, entry.state.length);
    let characters = [...owned.values()].reduce((sum, length) => sum + length, 0);
    return news.filter(({ clientId, state }) => {
      const before = owned.get(clientId);
      const after = characters - (before ?? 0) + state.length;
      if (state === GONE) {
        owned.delete(clientId);
        characters = after - state.length;
        return true;
      }
      if (after > AWARENESS_BYTES_MAX) {
        // It speaks for nobody else: the client's own is too large.
        if (owned.size === (before === undefined ? 0 : 1)) throw tooLarge();
        return false;
      }
      if (before === undefined && owned.size >= AWARENESS_CLIENTS_PER_CONNECTION_MAX) return false;
      owned.set(clientId, state.length);
      characters = after;
      return true;
    });
  }
}

function tellDeparted(member: AwarenessMember, entries: readonly AwarenessEntry[]): void {
  if (entries.length === 0) return;
  member.sendDeparted(
    writeAwarenessUpdate(entries),
    entries.map(({ clientId }) => clientId),
  );
}

/** Whether a client may be this user's, as far as is known: processes of an earlier version do not say whose it is. */
function mayBe(known: AwarenessEntry | undefined, userId: string | undefined): boolean {
  return known?.userId === undefined || userId === undefined || known.userId === userId;
}

function tooLarge(): StudioError {
  const limit = 'AWARENESS_BYTES_MAX';
  return new StudioError('CONTENT_TOO_LARGE', `One connection's awareness is bounded (${limit}).`, { limit });
}
