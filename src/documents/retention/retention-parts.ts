/** Retention, put together. */
import type { Logger } from 'pino';
import type { Failpoints } from '../../failpoints.ts';
import type { BlobHeads } from '../../storage/blobs.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Database } from '../../storage/database.ts';
import { Lease } from '../../storage/leases.ts';
import { Mark } from '../../storage/marks.ts';
import { RetentionPolicies } from '../../storage/retention-policies.ts';
import type { HistoryParts } from '../history/history-parts.ts';
import { RetentionPass } from './retention-pass.ts';
import { BlobRetention } from './retention.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { Thinning, type NamedVersionSource } from './thinning.ts';

export function assembleRetention(options: {
  readonly database: Database;
  readonly rooms: Rooms;
  readonly heads: BlobHeads;
  readonly archive: HistoryParts;
  readonly log: CommitLog;
  readonly names: NamedVersionSource;
  /** Keeps what is to outlive a blob's deltas, before any of them is dropped. */
  readonly prepare: (blobId: string) => Promise<void>;
  readonly failpoints: Failpoints;
  /** This process, as the holder of leases. */
  readonly holder: string;
  readonly logger: Logger;
}): { readonly retention: BlobRetention; readonly pass: RetentionPass } {
  const { database, rooms, heads, archive, holder, logger } = options;
  const policies = new RetentionPolicies(database.db);
  const { tombstones, maker } = archive;
  const thinning = new Thinning({ ...options, tombstones, maker });
  const pass = new RetentionPass({
    policies,
    heads,
    thinning,
    lease: new Lease(database.db, { name: 'retention', holder }),
    mark: new Mark(database.db, 'retention'),
    logger,
  });
  return { retention: new BlobRetention({ rooms, policies, tombstones, thinning }), pass };
}
