/** What events carry and how the rest of the studio reads them. */
import type { Caller } from '../domain/access/caller.ts';
import type { Operation } from '../domain/delta.ts';

export type EventType = 'blob.created' | 'blob.updated' | 'blob.deleted' | 'delta.applied';

/** One event. Events of one blob may come twice or out of order; `version` (the delta's seq) orders them (G5). */
export interface StudioEvent {
  /** CloudEvents id, also `Nats-Msg-Id`: `<delta id>.<type>`. */
  readonly id: string;
  readonly type: EventType;
  readonly blobId: string;
  readonly deltaId: string;
  readonly version: number;
  readonly operation: Operation;
  /** The blob's owner, who may watch it. */
  readonly owner: string;
  /** Who made the change. */
  readonly userId: string;
  readonly providerId?: string;
  readonly contentType: string;
  readonly rootId: string;
  readonly causedBy?: string;
  readonly time: Date;
}

export interface WatchedEvent extends StudioEvent {
  /** Opaque; handed back, the stream goes on after this event. Bound to the stream's creation. */
  readonly cursor: string;
}

export interface WatchRequest {
  /** Absent: from now on. */
  readonly cursor?: string;
  /** Empty: all types. */
  readonly types: readonly EventType[];
  /** Absent: all of the caller's blobs. */
  readonly blobId?: string;
}

export interface EventWatcher {
  /** Ends when `signal` aborts; throws CURSOR_INVALID, LIMIT_EXCEEDED or EVENTS_UNAVAILABLE. */
  watch(caller: Caller, request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchedEvent>;
}

/** A durable consumer of the stream: `handle` resolves → ack, rejects → nak with growing back-off, no delivery limit. */
export interface EventConsumer {
  run(options: {
    readonly durable: string;
    readonly types: readonly EventType[];
    readonly inFlightMax: number;
    readonly handle: (event: StudioEvent) => Promise<void>;
    readonly signal: AbortSignal;
  }): Promise<void>;
}
