/** Everything that reads and keeps the past of blobs, put together. */
import type { Logger } from 'pino';
import type { Failpoints } from '../../failpoints.ts';
import { Checkpoints } from '../../storage/checkpoints.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Database } from '../../storage/database.ts';
import { QuarantineRecords } from '../../storage/quarantine-records.ts';
import { Tombstones } from '../../storage/log/tombstones.ts';
import { CheckpointMaker } from '../checkpoints/checkpoint-maker.ts';
import { Compaction } from '../checkpoints/compaction.ts';
import { History } from './history.ts';
import { Quarantine } from '../log/quarantine.ts';
import { StateWorker } from '../checkpoints/state-worker.ts';
import { StoredVersions } from '../checkpoints/stored-versions.ts';

export interface HistoryParts {
  readonly history: History;
  readonly compaction: Compaction;
  readonly quarantine: Quarantine;
  readonly checkpoints: Checkpoints;
  readonly maker: CheckpointMaker;
  readonly tombstones: Tombstones;
  readonly worker: StateWorker;
  /** Leaves states for what was let go, within CHECKPOINT_DRAIN_MS_MAX. */
  close(): Promise<void>;
}

/** In place of WHOLE_STATE_BYTES_MAX, KEPT_BYTES_MAX, LOAD_BYTES_MAX and LOAD_BYTES_ACCEPTED_MAX. */
export interface HistoryLimits {
  readonly wholeBytesMax?: number;
  readonly keptBytesMax?: number;
  readonly loadBytesMax?: number;
  readonly acceptedBytesMax?: number;
}

export async function assembleHistory(options: {
  readonly database: Database;
  readonly log: CommitLog;
  readonly failpoints: Failpoints;
  readonly logger: Logger;
  readonly limits?: HistoryLimits;
}): Promise<HistoryParts> {
  const { database, log, failpoints, logger, limits } = options;
  const checkpoints = new Checkpoints(database);
  const tombstones = new Tombstones(database);
  const quarantine = new Quarantine({ records: new QuarantineRecords(database.db), logger });
  await Promise.all([tombstones.createIndexes(), quarantine.start()]);
  const worker = new StateWorker();
  const stored = new StoredVersions({
    checkpoints,
    onBad: (blobId, entry, problem) => compaction.reject(blobId, entry, problem),
  });
  const maker = new CheckpointMaker({ log, checkpoints, stored, worker, failpoints, ...limits });
  const compaction: Compaction = new Compaction({ maker, checkpoints, tombstones, logger, ...limits });
  const history = new History({ log, stored, tombstones, compaction, quarantine, worker, logger, ...limits });
  return {
    history,
    compaction,
    quarantine,
    checkpoints,
    maker,
    tombstones,
    worker,
    close: async () => {
      await compaction.close();
      worker.close();
    },
  };
}
