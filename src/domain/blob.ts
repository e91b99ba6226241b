/** What is known of a blob beside its content. Content lives in its Yjs document; see `content/`. */
export interface Blob {
  readonly id: string;
  /** The owner. */
  readonly userId: string;
  readonly contentType: string;
  /** Bytes of the canonical content. */
  readonly size: number;
  /** How many deltas it is the merge of; the seq of the last one. */
  readonly version: number;
  /** The newest version whose delta changed the content; deltas after it only recorded something (a deletion, new inputs). */
  readonly contentVersion: number;
  /** The first is the primary parent. Empty for a root. */
  readonly parentIds: readonly string[];
  readonly rootId: string;
  /** 0 for a root, else the primary parent's depth + 1. */
  readonly depth: number;
  /** `user`, or the id of the provider that derives it. */
  readonly createdBy: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Provider id → what that provider last did with this blob as its input. */
  readonly processedBy: Readonly<Record<string, Processed>>;
  /** Of a derived blob: what its newest transform delta was made from. */
  readonly derivedFrom?: Derivation;
  /** Changes whenever anything a reader can see changes. */
  readonly etag: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt?: Date;
}

export interface BlobWithContent extends Blob {
  /** The canonical content: UTF-8 text, RFC 8785 JSON, or the bytes themselves. Absent in metadata views. */
  readonly content?: Uint8Array;
  /** Lower-case hexadecimal SHA-256 of `content`. */
  readonly contentHash?: string;
}

/** A receipt names one version of one blob. */
export interface Receipt {
  readonly blobId: string;
  readonly version: number;
}

export interface Processed {
  readonly executionId: string;
  readonly inputs: readonly Receipt[];
  readonly at: Date;
  readonly status: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';
}

/** Recorded on every transform delta: the inputs, the provider at the version that ran, and the hash of its output. */
export interface Derivation {
  readonly providerId: string;
  readonly providerVersion: number;
  readonly inputs: readonly Receipt[];
  readonly executionKey: string;
  /** SHA-256 of the output as the provider gave it, before people's edits were merged in. */
  readonly outputHash: string;
}
