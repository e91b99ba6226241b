/** What every room of a process shares. */
import type { Logger } from 'pino';
import type { AccessControl } from '../../access/contract.ts';
import type { BaseDocuments } from '../history/base-documents.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Committer } from '../commits/committer.ts';
import type { Contents } from '../../storage/contents.ts';
import type { Database } from '../../storage/database.ts';
import type { HeadWriter } from '../commits/head-writer.ts';
import type { History } from '../history/history.ts';
import type { RoomState } from '../memory/room-state.ts';
import type { UpdateTrials } from '../trials/update-trials.ts';

export interface RoomServices {
  readonly database: Database;
  readonly access: AccessControl;
  readonly log: CommitLog;
  readonly contents: Contents;
  readonly committer: Committer;
  readonly heads: HeadWriter;
  readonly history: History;
  /** To be called before a state lets go of deltas: takes in what is made of them. */
  readonly keep: (state: RoomState) => void;
  readonly bases: BaseDocuments;
  readonly trials: UpdateTrials;
  readonly logger: Logger;
}
