import { MongoError } from 'mongodb';

/** The server, the way to it or its answer: nothing that says anything about what is stored. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof MongoError;
}
