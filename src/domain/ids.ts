import { createHash, randomBytes } from 'node:crypto';
import { StudioError } from '../errors.ts';
import { ID_CHARACTERS_MAX } from '../limits.ts';

const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
/** Of blobs that providers make: their ids can be computed by everyone who may read the source. */
export const DERIVED_ID_PREFIX = 'derived-';

/** RFC 9562 UUID version 7: sorts by creation time (milliseconds). */
export function uuidV7(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  return formatUuid(bytes, 7);
}

/** RFC 9562 UUID version 8 made from names: the same names give the same id, in every process. */
export function uuidV8(...names: readonly string[]): string {
  const hash = createHash('sha256');
  for (const name of names) hash.update(`${Buffer.byteLength(name)}:`).update(name);
  return formatUuid(hash.digest().subarray(0, 16), 8);
}

function formatUuid(bytes: Buffer, version: 7 | 8): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Ids become parts of NATS subjects and URLs, hence the narrow alphabet. */
export function requireId(id: string, field: string): void {
  if (ID_PATTERN.test(id)) return;
  throw new StudioError('FIELD_INVALID', `${field} must be 1 to ${ID_CHARACTERS_MAX} letters, digits, "_" or "-".`, {
    field,
  });
}

/** For a blob that somebody makes. Whoever made one with the id of a derived blob would keep that from being derived (G9). */
export function requireOwnId(id: string, field: string): void {
  requireId(id, field);
  if (!id.startsWith(DERIVED_ID_PREFIX)) return;
  throw new StudioError(
    'FIELD_INVALID',
    `${field} must not start with "${DERIVED_ID_PREFIX}": providers make such blobs.`,
    {
      field,
    },
  );
}
