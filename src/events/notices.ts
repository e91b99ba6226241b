/** Notices for the live listeners of all who may read a blob, `user.<token>.blobs`: no events; they may get lost. */
import type { AccessControl, Named } from '../access/contract.ts';
import type { CommitListener } from '../documents/contract.ts';
import { lineageOf } from '../domain/access/blob-access.ts';
import type { Commit } from '../domain/delta.ts';
import { NOTICE_SUBJECTS_MAX, NOTICES_PACE_MS, NOTICES_WAITING_MAX } from '../limits.ts';
import { blobEventsOf, bodyOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import type { StudioEvent } from './contract.ts';
import { userSubject } from './subjects.ts';

interface Notice {
  readonly event: StudioEvent;
  readonly blob: Named;
}

export class BlobNotices implements CommitListener {
  readonly #connection: EventConnection;
  readonly #access: Pick<AccessControl, 'of'>;
  /** By blob: its newest change, behind its creation. Oldest first. */
  readonly #waiting = new Map<string, Notice>();
  /** By user: a hash takes longer than all else about a notice. */
  readonly #subjects = new Map<string, string>();
  #sending: NodeJS.Timeout | undefined;
  #sentAt = -Infinity;

  constructor(connection: EventConnection, access: Pick<AccessControl, 'of'>) {
    this.#connection = connection;
    this.#access = access;
  }

  onCommitted(commit: Commit): void {
    if (!this.#connection.healthy) return;
    for (const event of blobEventsOf(commit)) {
      const key = event.type === 'blob.updated' ? event.blobId : event.id;
      this.#waiting.delete(key);
      if (this.#waiting.size < NOTICES_WAITING_MAX) this.#waiting.set(key, { event, blob: blobOf(commit) });
    }
    if (this.#sending || this.#waiting.size === 0) return;
    const waitMs = this.#sentAt + NOTICES_PACE_MS - performance.now();
    this.#sending = setTimeout(() => void this.#send(), Math.max(0, waitMs)).unref();
  }

  async #send(): Promise<void> {
    this.#sending = undefined;
    this.#sentAt = performance.now();
    const notices = [...this.#waiting.values()];
    this.#waiting.clear();
    await Promise.all(notices.map((notice) => this.#sendOne(notice)));
  }

  async #sendOne({ event, blob }: Notice): Promise<void> {
    // G8: to nobody rather than to somebody who may no longer see it.
    const access = await this.#access.of(blob).catch(() => undefined);
    const notice = JSON.stringify({ type: event.type, ...bodyOf(event) });
    for (const { userId } of access?.grants() ?? []) this.#connection.core?.publish(this.#subjectOf(userId), notice);
  }

  #subjectOf(userId: string): string {
    let subject = this.#subjects.get(userId);
    if (subject !== undefined) return subject;
    if (this.#subjects.size >= NOTICE_SUBJECTS_MAX) this.#subjects.clear();
    this.#subjects.set(userId, (subject = userSubject(userId)));
    return subject;
  }

  close(): void {
    clearTimeout(this.#sending);
  }
}

/** Of a new blob the commit is the first to know. */
function blobOf(commit: Commit): Named {
  const [first] = commit.deltas;
  if (!first?.genesis) return commit.blobId;
  const { createdBy, parentIds } = first.genesis;
  return lineageOf({ id: commit.blobId, owner: commit.owner, createdAt: first.createdAt, createdBy, parentIds });
}
