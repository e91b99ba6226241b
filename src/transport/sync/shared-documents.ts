/** The documents that have an editor connected to this process. */
import { StudioError } from '../../errors.ts';
import { SharedDocument, type Member, type RelayChannel } from './shared-document.ts';
import { StateBudget } from './state-cache.ts';
import type { RateLimit } from './rate.ts';

export interface SharedDocumentsOptions {
  readonly rate: RateLimit;
  readonly membersMax: number;
  /** Absent: editors of other processes are not seen. */
  readonly awareness?: RelayChannel;
  readonly stateless?: RelayChannel;
}

export class SharedDocuments {
  readonly #options: SharedDocumentsOptions;
  readonly #documents = new Map<string, SharedDocument>();
  readonly #budget = new StateBudget();

  constructor(options: SharedDocumentsOptions) {
    this.#options = options;
  }

  /** Throws LIMIT_EXCEEDED. */
  join(blobId: string, member: Member): SharedDocument {
    const { rate, awareness, stateless, membersMax } = this.#options;
    let document = this.#documents.get(blobId);
    if (document && document.size >= membersMax) {
      const limit = 'SYNC_CONNECTIONS_PER_DOCUMENT_MAX';
      throw new StudioError('LIMIT_EXCEEDED', 'This document has as many editors here as it takes.', { limit });
    }
    if (!document) {
      document = new SharedDocument({ blobId, budget: this.#budget, rate, awareness, stateless });
      this.#documents.set(blobId, document);
    }
    document.join(member);
    return document;
  }

  leave(document: SharedDocument, member: Member): void {
    document.leave(member);
    if (document.size > 0 || this.#documents.get(document.blobId) !== document) return;
    this.#documents.delete(document.blobId);
    document.close();
  }

  tidy(nowMs: number): void {
    for (const document of this.#documents.values()) document.tidy(nowMs);
  }
}
