import { MongoError, MongoServerError } from 'mongodb';

/** The driver hands some errors of its sockets on as they are. */
const SOCKET_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_SOCKET_CLOSED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** The server's answer to one of the plain commands of ours: not all of it was done. */
export class WriteFailed extends Error {}

/** The server, the way to it or its answer: nothing that says anything about what is stored. */
export function isDatabaseError(error: unknown): boolean {
  if (error instanceof MongoError || error instanceof WriteFailed) return true;
  return error instanceof Error && 'code' in error && SOCKET_ERRORS.has(String(error.code));
}

/** The code of a write whose key is taken. */
export const DUPLICATE_KEY = 11_000;

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** False: its key was taken. */
export async function inserted(inserting: Promise<unknown>): Promise<boolean> {
  try {
    await inserting;
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}
