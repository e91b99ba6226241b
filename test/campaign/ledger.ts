/**
 * What the clients of a campaign were told. An effect is a set of tokens that occur nowhere else: characters of a text,
 * keys of an object. So it can be said of each, afterwards, whether it is there once, and whether it ought to be.
 */
import type { CallOptions } from '@connectrpc/connect';
import type { StudioClient } from '../harness/studio-client.ts';

export interface Effect {
  readonly inserted: readonly string[];
  readonly deleted: readonly string[];
}

export const NO_EFFECT: Effect = { inserted: [], deleted: [] };

export interface AnsweredDelta {
  readonly id: string;
  readonly version: number;
  readonly requestId: string;
}

export interface CampaignRequest {
  /** For the table. */
  readonly kind: string;
  readonly requestId: string;
  readonly blobId: string;
  readonly effect: Effect;
  /** The deltas that the answer names. */
  send(client: StudioClient, options?: CallOptions): Promise<readonly AnsweredDelta[]>;
}

export interface Acknowledged {
  readonly request: CampaignRequest;
  readonly deltas: readonly AnsweredDelta[];
  /** Above 1: an earlier try ended without an answer. */
  readonly tries: number;
}

/** What one client read, to be read again later. */
export interface Reading {
  readonly blobId: string;
  readonly version: number;
  readonly content: string;
}

/** Findings beyond this are counted, not kept. */
const FINDINGS_MAX = 200;
/** One blob's versions that are read again at the end. */
const READINGS_PER_BLOB_MAX = 60;

export class Ledger {
  readonly acknowledged: Acknowledged[] = [];
  readonly findings: string[] = [];
  findingsCount = 0;
  readonly #onFinding: (finding: string) => void;
  readonly counts = new Map<string, number>();
  readonly readings = new Map<string, Reading[]>();
  /** Tokens that some editor was shown by the studio. */
  readonly shown = new Map<string, Set<string>>();
  /** Edits of editors: `surely` those of editors that stayed until the end, `perhaps` those of editors that were cut off. */
  readonly surely = new Map<string, { inserted: string[]; deleted: string[] }>();
  readonly perhaps = new Map<string, { inserted: string[]; deleted: string[] }>();

  constructor(onFinding: (finding: string) => void = () => {}) {
    this.#onFinding = onFinding;
  }

  acknowledge(entry: Acknowledged): void {
    this.acknowledged.push(entry);
    this.count(`acknowledged: ${entry.request.kind}`);
    if (entry.tries > 1) this.count('acknowledged after a try without an answer');
  }

  /** One token set of a blob, made on first use. */
  tokens(map: Map<string, Set<string>>, blobId: string): Set<string> {
    const found = map.get(blobId) ?? new Set();
    map.set(blobId, found);
    return found;
  }

  edits(how: 'surely' | 'perhaps', blobId: string): { inserted: string[]; deleted: string[] } {
    const found = this[how].get(blobId) ?? { inserted: [], deleted: [] };
    this[how].set(blobId, found);
    return found;
  }

  read(reading: Reading): void {
    const readings = this.readings.get(reading.blobId) ?? [];
    this.readings.set(reading.blobId, readings);
    if (readings.length < READINGS_PER_BLOB_MAX) readings.push(reading);
    // Later ones take the places of earlier ones, spread over the whole run.
    else readings[reading.version % READINGS_PER_BLOB_MAX] = reading;
  }

  find(finding: string): void {
    this.findingsCount += 1;
    this.#onFinding(finding);
    if (this.findings.length < FINDINGS_MAX) this.findings.push(finding);
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }
}

/** Tokens of one blob, each given once. Texts get single UTF-16 units, so that nothing can split one. */
export class Tokens {
  readonly #kind: 'character' | 'key';
  #given = 0;

  constructor(kind: 'character' | 'key') {
    this.#kind = kind;
  }

  next(): string {
    const index = this.#given++;
    if (this.#kind === 'key') return `k${index}`;
    let at = index;
    for (const [first, last] of RANGES) {
      if (at <= last - first) return String.fromCharCode(first + at);
      at -= last - first + 1;
    }
    throw new Error('This text has had all the characters there are.');
  }
}

/** CJK, Hangul, private use. */
const RANGES = [
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xe000, 0xf8ff],
] as const;
