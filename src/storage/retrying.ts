import { StudioError } from '../errors.ts';
import { COMMIT_RETRY_MS_MAX, COMMIT_RETRY_PAUSE_MS } from '../limits.ts';

/** Tries on while the database does not answer, as long as a commit would. What the studio itself refuses is thrown at once. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + COMMIT_RETRY_MS_MAX; ;) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof StudioError || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, COMMIT_RETRY_PAUSE_MS));
    }
  }
}
