/** Puts one commit's events into the stream and waits until the stream has them. */
import type { AccessControl, Named } from '../access/contract.ts';
import { lineageOf } from '../domain/blob-access.ts';
import type { Commit } from '../domain/delta.ts';
import { PUBLISH_TIMEOUT_MS } from '../limits.ts';
import { bodyOf, encodeEvent, eventsOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import { eventSubject, userSubject } from './subjects.ts';

export class StreamWriter {
  readonly #connection: EventConnection;
  readonly #access: Pick<AccessControl, 'of'>;

  constructor(connection: EventConnection, access: Pick<AccessControl, 'of'>) {
    this.#connection = connection;
    this.#access = access;
  }

  /** Rejects unless every event was acknowledged; tried again, the doubles carry the same ids. */
  async write(commit: Commit): Promise<void> {
    const jetstream = this.#connection.jetstream();
    await Promise.all(
      eventsOf(commit).map(async (event) => {
        const { data, headers } = encodeEvent(event);
        await jetstream.publish(eventSubject(event.type, event.blobId), data, {
          msgID: event.id,
          headers,
          timeout: PUBLISH_TIMEOUT_MS,
        });
      }),
    );
  }

  /** Tells the live listeners of all who may read the blob: a notice, not an event; it may get lost. */
  async notify(commit: Commit): Promise<void> {
    if (!this.#connection.healthy) return;
    const notices = eventsOf(commit)
      .filter(({ type }) => type !== 'delta.applied')
      .map((event) => JSON.stringify({ type: event.type, ...bodyOf(event) }));
    if (notices.length === 0) return;
    // G8: to nobody rather than to somebody who may no longer see it.
    const access = await this.#access.of(blobOf(commit)).catch(() => undefined);
    for (const { userId } of access?.grants() ?? []) {
      const subject = userSubject(userId);
      for (const notice of notices) this.#connection.core?.publish(subject, notice);
    }
  }
}

/** Of a new blob the commit is the first to know. */
function blobOf(commit: Commit): Named {
  const [first] = commit.deltas;
  if (!first?.genesis) return commit.blobId;
  const { createdBy, parentIds } = first.genesis;
  return lineageOf({ id: commit.blobId, owner: commit.owner, createdAt: first.createdAt, createdBy, parentIds });
}
