/** The labels of stored heads, and which requests set them. */
import { createHash } from 'node:crypto';
import { LABEL_REQUESTS_KEPT_MAX } from '../limits.ts';
import type { Database } from './database.ts';

const KEY_CHARACTERS = 22;

export interface LabelConditions {
  /** The meta version that the head has; absent: whatever it is. */
  readonly expected?: number;
  /** The request that sets them, as labelRequestKey names it. */
  readonly request?: string;
}

export class BlobLabels {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Replaces the labels; false if the head's meta version is another one. G4: true if this request has set
   * them before, and they stay as they are then, for others may have set them since.
   */
  async set(
    id: string,
    labels: Readonly<Record<string, string>>,
    { expected, request }: LabelConditions,
  ): Promise<boolean> {
    const filter = { _id: id, ...(expected === undefined ? {} : { meta_version: expected }) };
    const update = { $set: { labels: escapeLabels(labels) }, $inc: { meta_version: 1 } };
    if (request === undefined) return (await this.#database.blobs.updateOne(filter, update)).matchedCount === 1;
    const { matchedCount } = await this.#database.blobs.updateOne(
      { ...filter, label_requests: { $ne: request } },
      { ...update, $push: { label_requests: { $each: [request], $slice: -LABEL_REQUESTS_KEPT_MAX } } },
    );
    return matchedCount === 1 || this.wereSetBy(id, request);
  }

  /** Known of the last requests that set them. */
  async wereSetBy(id: string, request: string): Promise<boolean> {
    const filter = { _id: id, label_requests: request };
    return (await this.#database.blobs.findOne(filter, { projection: { _id: 1 } })) !== null;
  }
}

/** Short, because every read of a head carries them. */
export function labelRequestKey(userId: string, requestId: string): string {
  const request = JSON.stringify([userId, requestId]);
  return createHash('sha256').update(request).digest('base64url').slice(0, KEY_CHARACTERS);
}

export function escapeLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [escapeKey(key), value]));
}

export function unescapeLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [unescapeKey(key), value]));
}

/** A dot in a field name would be read as a path, a leading dollar as an operator; the others the driver does not write. */
export function escapeKey(key: string): string {
  if (key === '_bsontype') return '%5Fbsontype';
  return key.replaceAll('%', '%25').replaceAll('.', '%2E').replaceAll('$', '%24').replaceAll('\0', '%00');
}

function unescapeKey(key: string): string {
  if (key === '%5Fbsontype') return '_bsontype';
  return key.replaceAll('%00', '\0').replaceAll('%24', '$').replaceAll('%2E', '.').replaceAll('%25', '%');
}
