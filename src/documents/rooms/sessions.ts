/**
 * The editors on one live document, and what each may do with it right now. While this process can't tell who may see
 * the blob, nothing is sent to anyone: it is held back, and sent once that is known, to those who still may (G8).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { accessRevoked, allows, mayRead } from '../../domain/access/access.ts';
import type { BlobAccess } from '../../domain/access/blob-access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { StudioError } from '../../errors.ts';
import { ACCESS_RETRY_MS, HELD_UPDATES_BYTES_MAX, HELD_UPDATES_MAX } from '../../limits.ts';
import type { AccessControl } from '../../access/contract.ts';
import type { LiveSession } from '../contract.ts';

export interface Member {
  readonly session: LiveSession;
  readonly caller: Caller;
  readOnly: boolean;
}

/** A committed update, for all but the session that has it already. */
export interface Shown {
  readonly update: Uint8Array;
  /** Of the document with it. */
  readonly version: number;
  readonly except?: LiveSession;
}

export class Sessions {
  readonly #blobId: string;
  readonly #access: AccessControl;
  /** The whole committed state, and its version. */
  readonly #state: () => { readonly update: Uint8Array; readonly version: number };
  readonly #members = new Map<LiveSession, Member>();
  readonly #unfollow: () => void;
  /** What the members were last checked against. */
  #checked: BlobAccess | undefined;
  #held: Shown[] = [];
  #heldBytes = 0;
  /** Too much came to be held: the state replaces it. */
  #hasOverflowed = false;
  #isHolding = false;
  readonly #closing = new AbortController();

  constructor(options: {
    readonly blobId: string;
    readonly access: AccessControl;
    readonly state: () => { readonly update: Uint8Array; readonly version: number };
  }) {
    this.#blobId = options.blobId;
    this.#access = options.access;
    this.#state = options.state;
    this.#unfollow = options.access.follow(options.blobId, () => this.#recheck());
  }

  get size(): number {
    return this.#members.size;
  }

  /** False while nothing new may be shown to anyone. */
  maySee(): boolean {
    return this.#recheck() && !this.#isHolding;
  }

  /** `access` has let the caller in just now. */
  join(session: LiveSession, caller: Caller, access: BlobAccess): Member {
    const now = this.#access.known(this.#blobId) ?? access;
    const member = { session, caller, readOnly: !allows(now, caller, 'write') };
    this.#members.set(session, member);
    // What let this one in may be newer than what the others were checked against: they are, at the next occasion.
    if (now !== this.#checked) this.#checked = this.#members.size === 1 ? now : undefined;
    return member;
  }

  leave(session: LiveSession): void {
    this.#members.delete(session);
  }

  /** In seq order. */
  send(updates: readonly Shown[]): void {
    if (this.#members.size === 0) return;
    const maySee = this.maySee();
    for (const shown of updates) {
      if (maySee) this.#deliver(shown);
      else this.#hold(shown);
    }
  }

  close(error: StudioError): void {
    const members = [...this.#members.values()];
    this.#members.clear();
    for (const { session } of members) session.onClose(error);
  }

  destroy(): void {
    this.#unfollow();
    this.#closing.abort(new StudioError('DRAINING', 'This live document was let go.'));
  }

  /** Ends those who may no longer read, tells those whose role changed. False if that can't be told now. */
  #recheck(): boolean {
    const access = this.#access.known(this.#blobId);
    if (!access) return false;
    if (access === this.#checked) return true;
    this.#checked = access;
    for (const member of this.#members.values()) {
      if (!mayRead(member.caller, access)) {
        this.#members.delete(member.session);
        member.session.onClose(accessRevoked(this.#blobId));
        continue;
      }
      const readOnly = !allows(access, member.caller, 'write');
      if (readOnly === member.readOnly) continue;
      member.readOnly = readOnly;
      member.session.onAccess?.(readOnly);
    }
    return true;
  }

  #deliver({ update, version, except }: Shown): void {
    for (const session of this.#members.keys()) if (session !== except) session.onUpdate(update, version);
  }

  #hold(held: Shown): void {
    this.#heldBytes += held.update.byteLength;
    if (this.#held.length >= HELD_UPDATES_MAX || this.#heldBytes > HELD_UPDATES_BYTES_MAX) {
      this.#hasOverflowed = true;
      this.#held = [];
    } else if (!this.#hasOverflowed) this.#held.push(held);
    if (this.#isHolding) return;
    this.#isHolding = true;
    void this.#release();
  }

  async #release(): Promise<void> {
    try {
      await this.#access.settled(this.#blobId, this.#closing.signal);
      // Where the database is slow it may be known and, by the time this goes on, not be any more.
      while (!this.#recheck()) {
        await sleep(ACCESS_RETRY_MS, undefined, { signal: this.#closing.signal });
        await this.#access.settled(this.#blobId, this.#closing.signal);
      }
    } catch {
      // The process stops, or the room was let go; its sessions are ended by that.
      return;
    }
    const held: readonly Shown[] = this.#hasOverflowed ? [this.#state()] : this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#hasOverflowed = false;
    this.#isHolding = false;
    for (const one of held) this.#deliver(one);
  }
}
