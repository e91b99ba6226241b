import { StudioError } from '../../src/errors.ts';

const TRIES_MAX = 20;
export const UNANSWERED = ['DRAINING', 'STORAGE_UNAVAILABLE', 'CANCELLED'];

/** No answer, from whoever was asked: the change may be in or not. */
export function isUnanswered(error: unknown): boolean {
  if (error instanceof StudioError) return UNANSWERED.includes(error.reason);
  return error instanceof Error && error.name.startsWith('Mongo');
}

/** Asks until there is an answer. What is asked may have been done before. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnanswered(error) || tries === TRIES_MAX) throw error;
    }
  }
}
