import { COMMIT_RETRY_MS_MAX, SYNC_PING_EVERY_MS } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { within } from '../../domain/within.ts';
import { storageUnavailable } from '../../domain/access/access.ts';
import { callerOf } from '../auth/caller-context.ts';
import { knownOf, subscribeResponse, syncResponse } from '../mapping/sync.ts';
import { StreamSession, Pending, type SessionServices } from '../sync-streams/stream-session.ts';
import { StreamGate } from '../sync-streams/stream-gate.ts';
import { FrameQueue } from '../sync-streams/frame-queue.ts';
import { PushSessions } from '../sync-streams/push-sessions.ts';
import { SyncStream } from '../sync-streams/sync-stream.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Caller } from '../../domain/access/caller.ts';
import type { PushRequest, SyncRequest } from '../../gen/memmie/studio/v1/sync_service_pb.ts';
import type { SyncService } from '../../gen/memmie/studio/v1/sync_service_pb.ts';

/** `editors` is what the other doors of this process use too; `beatMs`: how often readers are looked after. */
export function createSyncService(
  services: SessionServices,
  { beatMs = SYNC_PING_EVERY_MS } = {},
): Partial<ServiceImpl<typeof SyncService>> {
  const queues = new Set<FrameQueue>();
  const pushes = new PushSessions(services);
  const rhythm = setInterval(() => {
    for (const queue of queues) queue.beat();
    pushes.beat();
  }, beatMs);
  rhythm.unref();

  const requireRoom = (): void => {
    if (queues.size < services.editors.limits.streams) return;
    const limit = 'SYNC_STREAMS_MAX';
    throw new StudioError('LIMIT_EXCEEDED', 'This studio has as many live streams as it takes.', { limit });
  };

  return {
    async *sync(requests, context) {
      requireRoom();
      const stream = new SyncStream(callerOf(context), services);
      queues.add(stream.queue);
      const unlink = failWith(context.signal, stream.queue);
      void takeIn(stream, requests);
      try {
        for await (const sent of stream.queue.read()) yield syncResponse(sent);
      } finally {
        unlink();
        queues.delete(stream.queue);
        stream.close();
      }
    },

    async *subscribe(request, context) {
      requireRoom();
      const caller = callerOf(context);
      const gate = new StreamGate(services.editors, caller.userId);
      const queue = new FrameQueue(() => drop(), { tellsRefusals: false });
      const pending = new Pending();
      queues.add(queue);
      const session = new StreamSession(caller, request.blobId, {
        ...services,
        known: knownOf(request),
        pending,
        queue,
        onEnd: (error) => (error ? queue.fail(error) : queue.end()),
      });
      const token = pushes.add({ session, pending, gate, queue });
      const drop = (): void => {
        pushes.remove(token);
        session.drop();
      };
      const unlink = failWith(context.signal, queue);
      try {
        for await (const sent of queue.read()) {
          const response = subscribeResponse(sent, token);
          if (response) yield response;
        }
      } finally {
        unlink();
        queues.delete(queue);
        drop();
        // Not before: until the call is over its connection may still hold what was sent (G7).
        gate.leave();
      }
    },

    async push(request, context) {
      return { version: BigInt(await push(services, pushes, callerOf(context), request)) };
    },
  };
}

/**
 * G7, G8: a caller that goes away, or whose token ends, is let go of at once. What reads the queue would find out only
 * when it is asked for more, and for a reader that takes nothing it never is.
 */
function failWith(signal: AbortSignal, queue: FrameQueue): () => void {
  const fail = (): void => queue.fail(signal.reason);
  if (signal.aborted) fail();
  else signal.addEventListener('abort', fail);
  return () => signal.removeEventListener('abort', fail);
}

/** Reads the client's messages until it has no more of them, or is gone. */
async function takeIn(stream: SyncStream, requests: AsyncIterable<SyncRequest>): Promise<void> {
  try {
    for await (const { blobId, message } of requests) {
      if (stream.isOver) return;
      stream.charge(blobId, bytesOf(message));
      if (message.case === 'open') stream.open(blobId, knownOf(message.value));
      else if (message.case === 'update') stream.update(blobId, message.value.update, message.value.reference);
      else if (message.case === 'awareness') stream.awareness(blobId, message.value);
      else stream.leave(blobId);
      await stream.whenRoomy();
    }
    await stream.finish();
  } catch (error) {
    stream.fail(error);
  }
}

function bytesOf(message: SyncRequest['message']): number {
  if (message.case === 'update') return message.value.update.byteLength;
  return message.case === 'awareness' ? message.value.byteLength : 0;
}

async function push(
  services: SessionServices,
  pushes: PushSessions,
  caller: Caller,
  { blobId, update, awareness, session: token, reference }: PushRequest,
): Promise<number> {
  if (token === '') {
    if (awareness.byteLength > 0) throw invalid('session', 'Awareness needs the session that it belongs to.');
    if (update.byteLength === 0) throw invalid('update', 'There must be an update, or awareness.');
    const { delta } = await services.documents.applyDelta(caller, { blobId, patch: { kind: 'yjs_update', update } });
    return delta.toVersion;
  }
  const { session, pending, gate, queue } = pushes.find(caller, blobId, token);
  await session.opened();
  gate.charge(update.byteLength + awareness.byteLength, session.rate);
  await gate.whenUnder();
  if (awareness.byteLength > 0) await session.takeAwareness(awareness);
  if (update.byteLength === 0) return 0;
  if (pending.isFull) {
    const limit = 'SYNC_PENDING_UPDATES_MAX';
    throw new StudioError('LIMIT_EXCEEDED', 'Too many changes of this session wait.', { limit });
  }
  // Each is answered there too, and those answers are not left out.
  if (queue?.isFull) {
    const limit = 'SYNC_STREAM_FRAMES_MAX';
    throw new StudioError('LIMIT_EXCEEDED', 'The subscription of this session does not keep up.', { limit });
  }
  return answeredInTime(session.push(update, reference));
}

/** What the session handed in waits for the database as long as it takes; its caller is told after a while. */
async function answeredInTime(committed: Promise<number>): Promise<number> {
  const version = await within(committed, COMMIT_RETRY_MS_MAX, undefined);
  if (version === undefined) throw storageUnavailable(undefined);
  return version;
}

function invalid(field: string, message: string): StudioError {
  return new StudioError('FIELD_INVALID', message, { field, rule: 'required' });
}
