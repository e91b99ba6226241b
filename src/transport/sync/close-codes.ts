/**
 * How an editor's socket ends. y-websocket reconnects for ever, except after 4400 to 4499, when it emits `closed`: so
 * what trying again can't mend is 4000 + the HTTP status of its class, and what time may mend is 4500 and above (or
 * 1012 while the studio restarts, 1013 for a reader that is too slow). Hocuspocus's provider comes back after any code: a
 * document it is to leave alone is denied or closed by a message (document-place.ts).
 *
 *   4400 the message or the update is wrong     4401 token missing, invalid or expired: a new one is needed
 *   4403 no longer let in                       4404 no such blob, or another's
 *   4408 no token came in time (Hocuspocus's)   4409 the client id is another's or reused
 *   4410 the blob is deleted                    4413 larger or more complex than allowed
 *   4500 the studio failed                      4503 a part or the room is not available, or a bound is reached
 *   4509 the update depends on something that neither the studio nor this editor has, or the answer to the studio's step 1
 *        holds what another user typed and is not stored: an editor that shares their browser brought it before theirs
 *
 * An editor that may read and not write is not ended for writing: it gets the auth message "permission denied" with
 * `ACCESS_DENIED: …`, as it does when it is made a reader. Made a writer, it is asked (step 1) for what it kept.
 */
import { CLOSE_REASON_BYTES_MAX } from '../../limits.ts';
import { StudioError, type Code, type Reason } from '../../errors.ts';

export const CLOSE_RESTART = 1012;
export const CLOSE_SLOW_READER = 1013;
export const CLOSE_NO_TOKEN = 4408;

const CLOSE_LACKING = 4509;

/** Trying again mends it once they whose changes the answer holds have brought them. */
class AnswerHoldsForeign extends StudioError {}

/** Why the answer to a step 1 of the studio was refused. */
export function refusalOfAnswer(error: unknown): StudioError {
  const failure = StudioError.from(error);
  const { reason, message, metadata } = failure;
  return reason === 'CLIENT_ID_FOREIGN' ? new AnswerHoldsForeign(reason, message, metadata) : failure;
}

const BY_REASON: Partial<Record<Reason, number>> = {
  BLOB_DELETED: 4410,
  CONTENT_TOO_LARGE: 4413,
  UPDATE_TOO_COMPLEX: 4413,
  CLIENT_ID_FOREIGN: 4409,
  CLIENT_ID_REUSED: 4409,
  UPDATE_DEPENDS_ON_MISSING: CLOSE_LACKING,
  UPDATE_DELETES_UNKNOWN: CLOSE_LACKING,
  DRAINING: CLOSE_RESTART,
};

const BY_CLASS: Record<Code, number> = {
  unauthenticated: 4401,
  permission_denied: 4403,
  not_found: 4404,
  invalid_argument: 4400,
  out_of_range: 4400,
  already_exists: 4400,
  failed_precondition: 4400,
  unimplemented: 4400,
  aborted: 4503,
  resource_exhausted: 4503,
  unavailable: 4503,
  deadline_exceeded: 4503,
  canceled: 4503,
  internal: 4500,
  data_loss: 4500,
};

export function closeCode(error: StudioError): number {
  if (error instanceof AnswerHoldsForeign) return CLOSE_LACKING;
  return BY_REASON[error.reason] ?? BY_CLASS[error.code];
}

/** Trying again may help. */
export function isTransient(failure: StudioError): boolean {
  const code = closeCode(failure);
  return code < 4_400 || code >= 4_500;
}

/** `REASON: sentence`, cut to what a close frame holds. */
export function closeReason(error: StudioError): string {
  const bytes = Buffer.from(`${error.reason}: ${error.message}`);
  if (bytes.byteLength <= CLOSE_REASON_BYTES_MAX) return bytes.toString();
  let end = CLOSE_REASON_BYTES_MAX;
  // Not inside a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
