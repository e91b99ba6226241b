/**
 * The sessions that calls of Push name. One that is subscribed at this process is pushed to as itself, so that nothing it
 * pushes is sent back to it. One that is subscribed elsewhere (a balancer sends each call where it likes) gets a twin
 * here without a reader: its updates keep their order, its awareness stays until it has been silent for a while.
 */
import { randomBytes } from 'node:crypto';
import { SYNC_DISTANT_SESSION_IDLE_MS_MAX, SYNC_DISTANT_SESSIONS_MAX } from '../../limits.ts';
import type { Caller } from '../../domain/access/caller.ts';
import type { FrameQueue } from './frame-queue.ts';
import { StreamGate } from './stream-gate.ts';
import { StreamSession, Pending, type SessionServices } from './stream-session.ts';
import { UserPlaces } from './user-places.ts';

const TOKEN_BYTES = 16;

export interface PushSession {
  readonly session: StreamSession;
  readonly pending: Pending;
  readonly gate: StreamGate;
  /** What waits for its subscriber. Absent for one that is subscribed elsewhere. */
  readonly queue?: FrameQueue;
}

type DistantSession = PushSession & { usedAtMs: number };

export class PushSessions {
  readonly #services: SessionServices;
  readonly #here = new Map<string, PushSession>();
  readonly #distant = new UserPlaces<DistantSession>(SYNC_DISTANT_SESSIONS_MAX);

  constructor(services: SessionServices) {
    this.#services = services;
  }

  /** Returns the name that Push will use. */
  add(entry: PushSession): string {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.#here.set(token, entry);
    return token;
  }

  remove(token: string): void {
    this.#here.delete(token);
  }

  /** G8: a session is its user's alone; to anyone else its name says nothing. */
  find(caller: Caller, blobId: string, token: string): PushSession {
    const here = this.#here.get(token);
    if (here?.session.userId === caller.userId && here.session.blobId === blobId) return here;
    const key = JSON.stringify([blobId, token]);
    const distant = this.#distant.find(caller.userId, key) ?? this.#createDistant(caller, blobId, key);
    distant.usedAtMs = performance.now();
    return distant;
  }

  /** Called in a fixed rhythm. */
  beat(): void {
    const before = performance.now() - SYNC_DISTANT_SESSION_IDLE_MS_MAX;
    for (const { session, pending, usedAtMs } of this.#distant)
      if (usedAtMs < before && pending.updates === 0) session.drop();
  }

  #createDistant(caller: Caller, blobId: string, key: string): DistantSession {
    const { userId } = caller;
    const gate = new StreamGate(this.#services.editors, userId);
    this.#distant.givesWay()?.session.drop();
    const pending = new Pending();
    const known = { stateVector: Uint8Array.of(0), afterVersion: 0 };
    const session = new StreamSession(caller, blobId, {
      ...this.#services,
      known,
      pending,
      onEnd: () => {
        gate.leave();
        this.#distant.delete(userId, key);
      },
    });
    const distant = { session, pending, gate, usedAtMs: performance.now() };
    this.#distant.add(userId, key, distant);
    return distant;
  }
}
