/** What runs in a thread of `UpdateTrials`: an update is checked and integrated into a copy of its document. */
import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import * as Y from 'yjs';
import { contentSize } from '../../domain/content/canonical.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { contentTooLarge } from '../../domain/content/size.ts';
import { Guard } from '../../domain/guard/guard.ts';
import { StudioError, type Reason } from '../../errors.ts';
import {
  CONTENT_BYTES_MAX,
  INTEGRATION_BYTES_PER_MS_MIN,
  INTEGRATION_MS_MIN,
  UPDATE_INTEGRATIONS_TIMED_MAX,
} from '../../limits.ts';
import { threadTimeMs } from './thread-time.ts';

export interface TrialRequest {
  readonly state: Uint8Array;
  readonly updates: readonly Uint8Array[];
  readonly contentType: string;
  readonly memoryMb: number;
}

export type TrialReply =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'passed' }
  /** There is more in memory than `memoryMb`, of which some may be left of earlier trials. */
  | { readonly kind: 'exhausted' }
  | {
      readonly kind: 'refused';
      readonly reason: Reason;
      readonly message: string;
      readonly metadata: Readonly<Record<string, string>>;
    };

parentPort?.on('message', (request: TrialRequest) => {
  let reply: TrialReply;
  try {
    tryUpdates(request, () => parentPort?.postMessage({ kind: 'loaded' } satisfies TrialReply, []));
    reply = { kind: 'passed' };
  } catch (error) {
    reply = error instanceof Exhausted ? { kind: 'exhausted' } : refusal(error);
  }
  parentPort?.postMessage(reply, []);
});

class Exhausted extends Error {}

function refusal(error: unknown): TrialReply {
  const { reason, message, metadata } =
    error instanceof StudioError ? error : new StudioError('UPDATE_MALFORMED', 'The update can’t be integrated.');
  return { kind: 'refused', reason, message, metadata };
}

function requireMemory({ memoryMb }: TrialRequest): void {
  if (getHeapStatistics().used_heap_size > memoryMb * 1024 * 1024) throw new Exhausted();
}

function tryUpdates(request: TrialRequest, onLoaded: () => void): void {
  let doc = load(request);
  requireMemory(request);
  onLoaded();
  let tries = 1;
  for (; !integrateInTime(doc, request); tries++) {
    // The first time the code may not be compiled yet.
    if (tries >= UPDATE_INTEGRATIONS_TIMED_MAX) throw tooComplex('INTEGRATION_MS_MIN');
    doc = load(request);
  }
  // Of several loads too much is left to tell.
  if (tries === 1) requireMemory(request);
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null)
    throw new StudioError('UPDATE_MALFORMED', 'The update does not integrate whole.');
  if (contentSize(doc, request.contentType) > CONTENT_BYTES_MAX) {
    throw contentTooLarge();
  }
}

function load({ state, contentType }: TrialRequest): Y.Doc {
  const doc = createDocument({ gc: true });
  rootOf(doc, shapeOf(contentType));
  Y.applyUpdate(doc, state);
  return doc;
}

/**
 * Whether each update integrates in a time in proportion to its size; the thread's own, as a busy machine can make
 * anything slow. Throws what the guard throws.
 */
function integrateInTime(doc: Y.Doc, { updates, contentType }: TrialRequest): boolean {
  // Who owns the client ids is asked when the update is checked for its flush.
  const guard = new Guard({ doc, shape: shapeOf(contentType), owners: new Map() });
  return updates.every((bytes) => {
    const { update } = guard.check(bytes, '', true);
    const started = threadTimeMs();
    Y.applyUpdate(doc, update);
    return threadTimeMs() - started <= INTEGRATION_MS_MIN + update.byteLength / INTEGRATION_BYTES_PER_MS_MIN;
  });
}

function tooComplex(limit: string): StudioError {
  return new StudioError('UPDATE_TOO_COMPLEX', 'The update takes too long to be integrated.', { limit });
}
