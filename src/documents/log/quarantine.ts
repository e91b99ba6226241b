/**
 * Blobs whose stored history can't be loaded. Their callers are told what is wrong, nothing is shown or written, others
 * are not disturbed: a load is tried again only after a pause, which grows. A database that does not answer is no reason.
 */
import type { Logger } from 'pino';
import type { AccessControl } from '../../access/contract.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { StudioError } from '../../errors.ts';
import { QUARANTINE_REMEMBERED_MAX, QUARANTINE_RETRY_MS_MAX, QUARANTINE_RETRY_MS_MIN } from '../../limits.ts';
import type { QuarantineRecord, QuarantineRecords } from '../../storage/quarantine-records.ts';

/** What is stored of a blob is not what it should be. */
export class BrokenHistory extends Error {}

export class Quarantined extends StudioError {
  constructor({ blobId, problem, retryAt }: QuarantineRecord) {
    super('BLOB_QUARANTINED', `Blob "${blobId}" can't be loaded: ${problem}`, {
      blob_id: blobId,
      retry_at: retryAt.toISOString(),
    });
  }
}

export class Quarantine {
  readonly #records: QuarantineRecords;
  readonly #logger: Logger;
  readonly #known = new Map<string, QuarantineRecord>();
  #entered = 0;

  constructor(options: { readonly records: QuarantineRecords; readonly logger: Logger }) {
    this.#records = options.records;
    this.#logger = options.logger;
  }

  /** Blobs in it now, as far as this process knows. */
  get size(): number {
    return this.#known.size;
  }

  /** Times this process found a blob broken. */
  get entered(): number {
    return this.#entered;
  }

  /** What earlier processes found is not tried again before its time. */
  async start(): Promise<void> {
    for (const record of await this.#records.list(QUARANTINE_REMEMBERED_MAX)) this.#known.set(record.blobId, record);
  }

  /** Throws while the blob is not to be tried. */
  admit(blobId: string): void {
    const record = this.#known.get(blobId);
    if (record && Date.now() < record.retryAt.getTime()) throw new Quarantined(record);
  }

  /** The error to answer with. */
  async put(blobId: string, problem: string): Promise<Quarantined> {
    const before = this.#known.get(blobId);
    const tries = (before?.tries ?? 0) + 1;
    const pause = Math.min(QUARANTINE_RETRY_MS_MIN * 2 ** (tries - 1), QUARANTINE_RETRY_MS_MAX);
    const record: QuarantineRecord = {
      blobId,
      problem,
      since: before?.since ?? new Date(),
      tries,
      retryAt: new Date(Date.now() + pause),
    };
    this.#entered += 1;
    this.#remember(record);
    this.#logger.error({ blobId, problem, tries }, 'blob quarantined');
    await this.#records.put(record).catch((error: unknown) => this.#logger.warn({ err: error }, 'not recorded'));
    return new Quarantined(record);
  }

  #remember(record: QuarantineRecord): void {
    this.#known.delete(record.blobId);
    this.#known.set(record.blobId, record);
    if (this.#known.size <= QUARANTINE_REMEMBERED_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /** It was loaded. */
  release(blobId: string): void {
    if (!this.#known.delete(blobId)) return;
    this.#logger.info({ blobId }, 'blob can be loaded again');
    this.#records.remove(blobId).catch((error: unknown) => this.#logger.warn({ err: error }, 'record not removed'));
  }
}

export type HideQuarantine = <A extends [Caller, ...unknown[]], R>(
  call: (...args: A) => Promise<R>,
) => (...args: A) => Promise<R>;

/** G8: what is wrong with a blob is told to those who may read it; to others there is none. */
export function hidingQuarantine(access: AccessControl): HideQuarantine {
  return (call) =>
    async (...args) => {
      try {
        return await call(...args);
      } catch (error) {
        if (error instanceof Quarantined) await access.authorize(args[0], 'read', error.metadata['blob_id'] ?? '');
        throw error;
      }
    };
}
