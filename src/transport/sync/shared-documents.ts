/** The documents that have an editor connected to this process. */
import { StudioError } from '../../errors.ts';
import { SharedDocument, type Member, type RelayChannel } from './shared-document.ts';
import { StateBudget } from './state-cache.ts';
import type { RateLimit } from './rate.ts';

export interface SharedDocumentsOptions {
  readonly rate: RateLimit;
  readonly membersMax: number;
  /** Documents one user has open, each counted once for every connection. */
  readonly perUserMax: number;
  /** Absent: editors of other processes are not seen. */
  readonly awareness?: RelayChannel;
  readonly stateless?: RelayChannel;
}

export class SharedDocuments {
  readonly #options: SharedDocumentsOptions;
  readonly #documents = new Map<string, SharedDocument>();
  /** By user. */
  readonly #opened = new Map<string, number>();
  readonly #budget = new StateBudget();

  constructor(options: SharedDocumentsOptions) {
    this.#options = options;
  }

  /** Throws LIMIT_EXCEEDED. */
  join(blobId: string, member: Member): SharedDocument {
    const { rate, awareness, stateless, membersMax, perUserMax } = this.#options;
    let document = this.#documents.get(blobId);
    if (document && document.size >= membersMax) {
      const limit = 'SYNC_CONNECTIONS_PER_DOCUMENT_MAX';
      throw new StudioError('LIMIT_EXCEEDED', 'This document has as many editors here as it takes.', { limit });
    }
    const opened = this.#opened.get(member.userId) ?? 0;
    if (opened >= perUserMax) {
      const limit = 'SYNC_DOCUMENTS_PER_USER_MAX';
      throw new StudioError('LIMIT_EXCEEDED', 'You have as many documents open here as you may.', { limit });
    }
    if (!document) {
      document = new SharedDocument({ blobId, budget: this.#budget, rate, awareness, stateless });
      this.#documents.set(blobId, document);
    }
    document.join(member);
    this.#opened.set(member.userId, opened + 1);
    return document;
  }

  leave(document: SharedDocument, member: Member): void {
    document.leave(member);
    const opened = (this.#opened.get(member.userId) ?? 1) - 1;
    if (opened > 0) this.#opened.set(member.userId, opened);
    else this.#opened.delete(member.userId);
    if (document.size > 0 || this.#documents.get(document.blobId) !== document) return;
    this.#documents.delete(document.blobId);
    document.close();
  }

  tidy(nowMs: number): void {
    for (const document of this.#documents.values()) document.tidy(nowMs);
  }
}
