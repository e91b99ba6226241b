/** One process's engine, as the rounds use it. */
import type { Sharing } from '../../src/access/contract.ts';
import type { Documents } from '../../src/documents/contract.ts';
import type { Database } from '../../src/storage/database.ts';

export interface StudioProcess {
  readonly documents: Documents;
  readonly sharing: Sharing;
  /** Rejects when the process is gone; what was asked of it then will not be answered. */
  readonly crashed: Promise<never>;
  /** Brings the stored head up to the log, as the sweep does for those that died. */
  heal(blobId: string): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it as SIGKILL would. */
  crash(): void;
}

/** What a round runs in. */
export interface RoundWorld {
  /** One more process. `fresh`: one that has never seen the blob. */
  start(how?: 'fresh'): Promise<StudioProcess>;
  /** Some of what the processes tell each other arrives. */
  deliver(): void;
  /** Between two steps: what is under way gets a little further. */
  pause(): Promise<void>;
  /** As it is stored. */
  readonly database: Database;
  /** What the audit finds of the blob. */
  audit(blobId: string): Promise<readonly string[]>;
}
