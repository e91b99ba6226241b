/** Puts one commit's events into the stream and waits until the stream has them. */
import type { NatsConnection } from 'nats';
import type { AccessControl, Named } from '../access/contract.ts';
import { lineageOf } from '../domain/blob-access.ts';
import type { Commit } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
import { bodyOf, encodeEvent, eventsOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import { StreamAcks } from './stream-acks.ts';
import { eventSubject, userSubject } from './subjects.ts';

export class StreamWriter {
  readonly #connection: EventConnection;
  readonly #access: Pick<AccessControl, 'of'>;
  #known: { readonly core: NatsConnection; readonly acks: StreamAcks } | undefined;

  constructor(connection: EventConnection, access: Pick<AccessControl, 'of'>) {
    this.#connection = connection;
    this.#access = access;
  }

  /** Rejects unless every event was acknowledged; tried again, the doubles carry the same ids. */
  async write(commit: Commit): Promise<void> {
    const acks = this.#acks();
    await Promise.all(
      eventsOf(commit).map((event) =>
        acks.publish({ subject: eventSubject(event.type, event.blobId), ...encodeEvent(event) }),
      ),
    );
  }

  #acks(): StreamAcks {
    const { core } = this.#connection;
    if (!core) throw new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.');
    if (this.#known?.core !== core) this.#known = { core, acks: new StreamAcks(core) };
    return this.#known.acks;
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
