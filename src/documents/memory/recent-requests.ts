/** The newest request ids of a blob and the deltas they became (G4). */
import type { Delta } from '../../domain/delta.ts';
import { ROOM_RECENT_REQUESTS_MAX } from '../../limits.ts';
import { requestKey } from '../../storage/log/commit-document.ts';

export class RecentRequests {
  readonly #blobId: string;
  readonly #deltas = new Map<string, Delta>();
  #isComplete = true;

  constructor(blobId: string) {
    this.#blobId = blobId;
  }

  get size(): number {
    return this.#deltas.size;
  }

  /** True while it holds every request id this blob ever had. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** There were others before. */
  beginLater(): void {
    this.#isComplete = false;
  }

  find(userId: string, requestId: string): Delta | undefined {
    return this.#deltas.get(requestKey(this.#blobId, userId, requestId));
  }

  remember(delta: Delta): void {
    if (delta.requestId === undefined) return;
    this.#deltas.set(requestKey(this.#blobId, delta.userId, delta.requestId), delta);
    if (this.#deltas.size <= ROOM_RECENT_REQUESTS_MAX) return;
    this.#isComplete = false;
    for (const oldest of this.#deltas.keys()) {
      this.#deltas.delete(oldest);
      break;
    }
  }
}
