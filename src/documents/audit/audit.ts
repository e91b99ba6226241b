/**
 * `studio audit`: proves of every blob that its log, checkpoints, stored head, contents, request keys and attribution
 * agree, and names each difference. One blob at a time, so that memory is bounded by the largest.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Failpoints } from '../../failpoints.ts';
import { AUDIT_AGAIN_MS, AUDIT_AGAIN_TRIES, QUARANTINE_REMEMBERED_MAX } from '../../limits.ts';
import { BlobHeads } from '../../storage/blobs.ts';
import { CommitLog } from '../../storage/log/commit-log.ts';
import { Contents } from '../../storage/contents.ts';
import { openDatabase, type Database } from '../../storage/database.ts';
import { NamedVersions } from '../../storage/named-versions.ts';
import { OriginBlocks } from '../../storage/origin-blocks.ts';
import { QuarantineRecords } from '../../storage/quarantine-records.ts';
import { assembleHistory, type HistoryParts } from '../history/history-parts.ts';
import { auditBlob, type AuditParts, type BlobOutcome } from './blob-audit.ts';
import type { Finding } from './difference.ts';
import { Repair } from './repair.ts';

export type { Difference, DifferenceKind, Finding } from './difference.ts';

export interface AuditOptions {
  readonly url: string;
  /** The name of the database. */
  readonly database: string;
  /** Absent: all. */
  readonly blobIds?: readonly string[];
  /** Rebuild heads and checkpoints where they differ from a log that is whole. */
  readonly repair?: boolean;
  readonly logger: Logger;
  readonly onFinding?: (finding: Finding) => void;
  /** After each blob. */
  readonly onProgress?: (progress: {
    readonly blobs: number;
    readonly deltas: number;
    readonly blobId: string;
  }) => void;
}

export interface AuditReport {
  readonly blobs: number;
  readonly deltas: number;
  readonly findings: readonly Finding[];
  /** How many of the findings are differences that were not repaired. */
  readonly differences: number;
}

/** A studio may be running: what moved while it was looked at is looked at again before it counts. */
export async function auditStudio(options: AuditOptions): Promise<AuditReport> {
  const database = await openDatabase({ url: options.url, name: options.database });
  const log = new CommitLog(database);
  const past = await assembleHistory({ database, log, failpoints: new Failpoints(), logger: options.logger });
  try {
    return await new Audit(database, log, past, options).run();
  } finally {
    await past.close();
    await database.close();
  }
}

class Audit {
  readonly #options: AuditOptions;
  readonly #parts: AuditParts;
  readonly #past: HistoryParts;
  readonly #database: Database;
  readonly #records: QuarantineRecords;
  readonly #findings: Finding[] = [];
  #blobs = 0;
  #deltas = 0;

  constructor(database: Database, log: CommitLog, past: HistoryParts, options: AuditOptions) {
    this.#options = options;
    this.#past = past;
    const { checkpoints, tombstones } = past;
    this.#parts = {
      log,
      checkpoints,
      tombstones,
      heads: new BlobHeads(database),
      contents: new Contents(database),
      origins: new OriginBlocks(database.db),
      names: new NamedVersions(database.db),
    };
    this.#database = database;
    this.#records = new QuarantineRecords(database.db);
  }

  async run(): Promise<AuditReport> {
    const { log, heads, checkpoints } = this.#parts;
    if (this.#options.blobIds) for (const id of this.#options.blobIds) await this.#blob(id);
    else {
      // From the commits, the heads and the checkpoints: what one of them has, the others must have.
      for await (const id of log.blobIds()) await this.#blob(id);
      for await (const id of heads.ids()) await this.#requireLog(id, 'a head');
      for await (const id of checkpoints.blobIds()) await this.#requireLog(id, 'checkpoints');
    }
    await this.#checkQuarantine();
    const differences = this.#findings.filter(({ level }) => level === 'difference').length;
    return { blobs: this.#blobs, deltas: this.#deltas, findings: this.#findings, differences };
  }

  async #blob(blobId: string): Promise<void> {
    let outcome = await auditBlob(blobId, this.#parts);
    for (let again = 0; again < AUDIT_AGAIN_TRIES && mayPass(outcome); again++) {
      await sleep(AUDIT_AGAIN_MS);
      outcome = await auditBlob(blobId, this.#parts);
    }
    if (this.#options.repair) outcome = await this.#repair(blobId, outcome);
    for (const finding of outcome.findings) this.#found(finding);
    this.#blobs += 1;
    this.#deltas += outcome.deltas;
    this.#options.onProgress?.({ blobs: this.#blobs, deltas: this.#deltas, blobId });
  }

  /** What was wrong is told, then what was done, then what is wrong still. */
  async #repair(blobId: string, outcome: BlobOutcome): Promise<BlobOutcome> {
    if (outcome.findings.length === 0) return outcome;
    const done: Finding[] = [];
    const { heads, origins } = this.#parts;
    // G1: what is made of the log must not outlive deltas that were read and never durable.
    await this.#database.fence();
    await new Repair({ past: this.#past, heads, origins }).blob(blobId, outcome, (kind, text, level) => {
      done.push({ blobId, kind, text, level: level ?? 'repaired' });
    });
    if (done.length === 0) return outcome;
    const after = await auditBlob(blobId, this.#parts);
    return { ...after, findings: [...done, ...after.findings] };
  }

  async #requireLog(blobId: string, what: string): Promise<void> {
    if ((await this.#parts.log.ownerOf(blobId)) !== undefined) return;
    this.#found({ blobId, kind: 'log', text: `it has ${what} and no commits`, level: 'difference' });
  }

  async #checkQuarantine(): Promise<void> {
    const broken = new Set(this.#findings.filter(({ level }) => level === 'difference').map(({ blobId }) => blobId));
    for (const { blobId, problem } of await this.#records.list(QUARANTINE_REMEMBERED_MAX)) {
      if (this.#options.blobIds && !this.#options.blobIds.includes(blobId)) continue;
      if (broken.has(blobId)) {
        this.#found({ blobId, kind: 'quarantine', text: `it is quarantined: ${problem}`, level: 'note' });
      } else if (this.#options.repair) {
        await this.#records.remove(blobId);
        this.#found({
          blobId,
          kind: 'quarantine',
          text: 'it can be loaded; its record was removed',
          level: 'repaired',
        });
      } else
        this.#found({
          blobId,
          kind: 'quarantine',
          text: `it was quarantined and can be loaded: ${problem}`,
          level: 'note',
        });
    }
  }

  #found(finding: Finding): void {
    this.#findings.push(finding);
    this.#options.onFinding?.(finding);
  }
}

/** It has differences that may be gone when it is looked at again. */
function mayPass({ findings, isHeadStale }: BlobOutcome): boolean {
  return findings.filter(({ level }) => level === 'difference').length > (isHeadStale ? 1 : 0);
}
