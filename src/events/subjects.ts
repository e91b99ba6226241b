/** NATS subjects. Ids are checked before they become tokens: a raw `*` or a dot in an identity would read others' messages. */
import { createHash } from 'node:crypto';
import { requireId } from '../domain/ids.ts';
import type { EventType } from './contract.ts';

export const STREAM = 'STUDIO';
/** Exactly these: live and user subjects stay out of the stream. */
export const STREAM_SUBJECTS = ['studio.blob.>', 'studio.delta.>'] as const;

export function eventSubject(type: EventType, blobId: string): string {
  requireId(blobId, 'blob_id');
  return `studio.${type}.${blobId}`;
}

/** What a consumer of these types filters by. */
export function filterSubjects(types: readonly EventType[]): string[] {
  return types.map((type) => `studio.${type}.>`);
}

export const LIVE_SUBJECTS = 'studio.live.>';

export function liveSubject(blobId: string): string {
  requireId(blobId, 'blob_id');
  return `studio.live.${blobId}`;
}

/** What each process has open. */
export const INTEREST_SUBJECT = 'studio.interest';

export const AWARENESS_SUBJECTS = 'studio.awareness.>';

/** Stateless messages of editors. */
export const STATELESS_SUBJECTS = 'studio.stateless.>';

/** One blob's subject of those that `subjects` (ending in `>`) takes in. */
export function relaySubject(subjects: string, blobId: string): string {
  requireId(blobId, 'blob_id');
  return subjects.slice(0, -1) + blobId;
}

export const ACCESS_SUBJECT = 'studio.access';

/** Notices for one user: `user.<token>.blobs`. */
export function userSubject(userId: string): string {
  return `user.${userToken(userId)}.blobs`;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** base32 (RFC 4648, lower case, no padding) of the SHA-256 of the user id: any id becomes one safe token. */
export function userToken(userId: string): string {
  let token = '';
  let bits = 0;
  let held = 0;
  for (const byte of createHash('sha256').update(userId).digest()) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 5; held -= 5) token += BASE32[(bits >>> (held - 5)) & 31];
    bits &= (1 << held) - 1;
  }
  return held > 0 ? token + BASE32[(bits << (5 - held)) & 31] : token;
}
