/** One stream of SyncService.Sync: many documents, each with its session, before one reader. */
import { SYNC_DOCUMENTS_PER_STREAM_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { StreamSession, Pending, type Known, type SessionServices } from './stream-session.ts';
import { StreamGate } from './stream-gate.ts';
import { FrameQueue } from './frame-queue.ts';
import type { FrameSource } from './frames.ts';

export class SyncStream {
  readonly queue = new FrameQueue(() => this.drop());
  readonly #caller: Caller;
  readonly #services: SessionServices;
  readonly #pending = new Pending();
  readonly #gate: StreamGate;
  readonly #open = new Map<string, StreamSession>();
  /** Those whose client left, while what they pushed is being answered. */
  readonly #leaving = new Map<StreamSession, Promise<void>>();
  #isOver = false;

  /** Throws LIMIT_EXCEEDED. */
  constructor(caller: Caller, services: SessionServices) {
    this.#caller = caller;
    this.#services = services;
    this.#gate = new StreamGate(services.editors, caller.userId);
  }

  /** What its client still says is not listened to: it may say it long after, when its reader is stuck. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Before each message of the client: G7, what it has under way is bounded, and so is what waits for it. */
  async whenRoomy(): Promise<void> {
    await this.#pending.whenRoomy();
    await this.queue.whenRoomy();
    await this.#gate.whenUnder();
  }

  /** Counts a message of the client for this document against its rates. */
  charge(blobId: string, bytes: number): void {
    this.#gate.charge(bytes, this.#open.get(blobId)?.rate);
  }

  open(blobId: string, known: Known): void {
    const session = this.#open.get(blobId);
    if (session) {
      session.reopen(known);
      return;
    }
    if (this.#open.size + this.#leaving.size >= SYNC_DOCUMENTS_PER_STREAM_MAX) {
      const limit = 'SYNC_DOCUMENTS_PER_STREAM_MAX';
      this.#close(
        blobId,
        new StudioError('LIMIT_EXCEEDED', 'This stream has all the documents it may have.', { limit }),
      );
      return;
    }
    const opened = new StreamSession(this.#caller, blobId, {
      ...this.#services,
      known,
      pending: this.#pending,
      queue: this.queue,
      onEnd: (error) => {
        if (this.#open.get(blobId) === opened) this.#open.delete(blobId);
        if (error) this.#close(blobId, error);
      },
    });
    this.#open.set(blobId, opened);
  }

  update(blobId: string, update: Uint8Array, reference: bigint): void {
    const session = this.#open.get(blobId);
    // Refused by its frame.
    if (session) session.push(update, reference).catch(() => undefined);
    else this.queue.add(sourceOf(blobId), { kind: 'rejected', reference, error: notOpen(blobId) });
  }

  /** Presence of a document that is not open (any more) is dropped. */
  awareness(blobId: string, update: Uint8Array): void {
    const session = this.#open.get(blobId);
    session?.takeAwareness(update).catch((error: unknown) => session.onClose(StudioError.from(error)));
  }

  leave(blobId: string): void {
    const session = this.#open.get(blobId);
    if (!session) return;
    this.#open.delete(blobId);
    const left = session.leave().finally(() => this.#leaving.delete(session));
    this.#leaving.set(session, left);
  }

  /** The client says no more: what it sent is answered, then the stream ends. */
  async finish(): Promise<void> {
    for (const blobId of this.#open.keys()) this.leave(blobId);
    await Promise.all(this.#leaving.values());
    this.queue.end();
  }

  /** What the client sent can't be read. */
  fail(error: unknown): void {
    this.queue.fail(error);
  }

  /** The client is gone, or the stream has failed: nothing of its documents is kept for it. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const session of [...this.#open.values(), ...this.#leaving.keys()]) session.drop();
    this.queue.end();
  }

  /** The call is over. Until then it counts for its user, as its connection may still hold what was sent (G7). */
  close(): void {
    this.drop();
    this.#gate.leave();
  }

  #close(blobId: string, error: StudioError): void {
    this.queue.add(sourceOf(blobId), { kind: 'closed', error });
  }
}

function notOpen(blobId: string): StudioError {
  return new StudioError('FIELD_INVALID', 'blob_id must name a document that was opened on this stream.', {
    field: 'blob_id',
    rule: 'open',
    blob_id: blobId,
  });
}

/** For what is said of a document that has no session. */
function sourceOf(blobId: string): FrameSource {
  return {
    blobId,
    opening: () => undefined,
    missed: () => undefined,
    presence: () => undefined,
    taken: () => undefined,
  };
}
