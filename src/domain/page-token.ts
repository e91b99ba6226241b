import { createHash } from 'node:crypto';
import { StudioError } from '../errors.ts';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PAGE_TOKEN_CHARACTERS_MAX } from '../limits.ts';

/**
 * Page tokens are opaque to callers: the position after which the next page starts, bound to the query they came from,
 * so that a token of another query is refused instead of answering nonsense. They grant nothing.
 */
export function encodePageToken(query: unknown, position: unknown): string {
  return Buffer.from(JSON.stringify([queryHash(query), position])).toString('base64url');
}

/** The position, or undefined for the first page (an empty token). */
export function decodePageToken(query: unknown, token: string): string | number | undefined {
  if (token === '') return undefined;
  let decoded: unknown;
  try {
    if (token.length <= PAGE_TOKEN_CHARACTERS_MAX)
      decoded = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    decoded = undefined;
  }
  if (Array.isArray(decoded) && decoded.length === 2 && decoded[0] === queryHash(query)) {
    const position: unknown = decoded[1];
    // Anyone can make a token; what it may say is a place in a list.
    if (typeof position === 'string' || (Number.isSafeInteger(position) && Number(position) >= 0))
      return position as string | number;
  }
  throw new StudioError('PAGE_TOKEN_INVALID', 'page_token must be the next_page_token of the same query.', {
    field: 'page_token',
  });
}

/** 0 means the default; more than the maximum is cut to it, as AIP-158 has it. */
export function effectivePageSize(requested: number): number {
  if (!Number.isInteger(requested) || requested < 0) {
    throw new StudioError('FIELD_INVALID', 'page_size must not be negative.', { field: 'page_size' });
  }
  return requested === 0 ? PAGE_SIZE_DEFAULT : Math.min(requested, PAGE_SIZE_MAX);
}

/** Of maps whatever the order of their keys: some clients have none, and send another each time. */
function queryHash(query: unknown): string {
  return createHash('sha256').update(JSON.stringify(query, inKeyOrder)).digest('base64url').slice(0, 16);
}

function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
