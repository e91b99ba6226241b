/** One blob: its log played again, and everything that is stored of it compared with that. */
import * as Y from 'yjs';
import { contentHash, contentSize } from '../../domain/content/canonical.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import type { BlobHeads, DerivedHead } from '../../storage/blobs.ts';
import type { Checkpoints, Entry } from '../../storage/checkpoints.ts';
import type { CommitLog } from '../../storage/commit-log.ts';
import type { Contents } from '../../storage/contents.ts';
import { isDatabaseError } from '../../storage/database-error.ts';
import type { Tombstone, Tombstones } from '../../storage/tombstones.ts';
import { CheckpointAudit, isSame } from './checkpoint-audit.ts';
import type { Finding, Report } from './difference.ts';
import { LogReplay } from './log-replay.ts';

export interface AuditParts {
  readonly log: CommitLog;
  readonly checkpoints: Checkpoints;
  readonly tombstones: Tombstones;
  readonly heads: BlobHeads;
  readonly contents: Contents;
}

export interface BlobOutcome {
  readonly findings: readonly Finding[];
  readonly deltas: number;
  /** The log could be played to its end. */
  readonly isLogWhole: boolean;
  /** What the head should be, if so. */
  readonly head?: DerivedHead;
  readonly wrongEntries: readonly Entry[];
}

export async function auditBlob(blobId: string, parts: AuditParts): Promise<BlobOutcome> {
  const audit = new BlobAudit(blobId, parts);
  try {
    return await audit.run();
  } finally {
    audit.destroy();
  }
}

class BlobAudit {
  readonly #blobId: string;
  readonly #parts: AuditParts;
  readonly #findings: Finding[] = [];
  readonly #replay: LogReplay;
  #isLogWhole = true;
  #deltas = 0;

  constructor(blobId: string, parts: AuditParts) {
    this.#blobId = blobId;
    this.#parts = parts;
    this.#replay = new LogReplay(this.#report);
  }

  readonly #report: Report = (kind, text, level = 'difference') => {
    this.#findings.push({ blobId: this.#blobId, kind, text, level });
  };

  destroy(): void {
    this.#replay.doc.destroy();
  }

  async run(): Promise<BlobOutcome> {
    const { checkpoints, tombstones } = this.#parts;
    const dropped = await tombstones.list(this.#blobId);
    const index = await checkpoints.index(this.#blobId);
    const stored = new CheckpointAudit(this.#blobId, index, checkpoints, this.#report);
    try {
      await this.#play(stored, dropped);
    } catch (error) {
      if (isDatabaseError(error)) throw error;
      this.#isLogWhole = false;
      this.#report('log', error instanceof Error ? error.message : String(error));
    }
    let head: DerivedHead | undefined;
    if (this.#isLogWhole) {
      stored.finish();
      this.#replay.checkAttribution();
      await this.#checkContents();
      head = this.#head();
      await this.#compareHead(head);
    }
    const strays = await checkpoints.strays(this.#blobId, new Date());
    if (strays.length > 0)
      this.#report('checkpoint', `${strays.length} stored objects belong to no checkpoint`, 'note');
    const { wrong: wrongEntries } = stored;
    return { findings: this.#findings, deltas: this.#deltas, isLogWhole: this.#isLogWhole, head, wrongEntries };
  }

  async #play(stored: CheckpointAudit, dropped: readonly Tombstone[]): Promise<void> {
    const replay = this.#replay;
    const { log } = this.#parts;
    for await (const page of log.readPages(this.#blobId, 1)) {
      const keys = await log.requestKeys(this.#blobId, page[0]?.firstSeq ?? 1, page.at(-1)?.firstSeq ?? 1);
      for (const commit of page) {
        const within = dropped.find((range) => range.first <= commit.firstSeq && commit.lastSeq <= range.last);
        if (within) {
          this.#report('retention', `commit ${commit.id} is still there and its range is dropped`, 'note');
          continue;
        }
        await this.#reach(commit.firstSeq, stored, dropped);
        replay.begin(commit);
        replay.checkKeys(commit, keys.get(commit.id) ?? []);
        for (const delta of commit.deltas) {
          replay.add(delta);
          await stored.add(delta);
          this.#deltas += 1;
          if (replay.version < stored.nextVersion) continue;
          replay.settle();
          await stored.compareStates(replay);
        }
      }
      replay.settle();
    }
    const beyond = dropped.find((range) => range.first > replay.version);
    if (beyond) throw new Error(`the log ends with delta ${replay.version}, before a dropped range`);
    if (replay.version === 0) throw new Error('there are no commits');
  }

  /** Gets the replay right before the seq: over dropped ranges, and over nothing else. */
  async #reach(seq: number, stored: CheckpointAudit, dropped: readonly Tombstone[]): Promise<void> {
    const replay = this.#replay;
    if (seq <= replay.version) throw new Error(`a commit starts with delta ${seq}, which another one holds already`);
    while (replay.version + 1 < seq) {
      const next = replay.version + 1;
      const range = dropped.find((one) => one.first === next && one.last < seq);
      if (!range) throw new Error(`deltas ${next}..${seq - 1} are missing`);
      stored.skip(range.first, range.last);
      const { states } = await this.#parts.checkpoints.index(this.#blobId);
      const entry = states.find((state) => state.version === range.last && state.hash === range.stateHash);
      const state = entry && (await stored.read(entry));
      if (!state) throw new Error(`deltas ${next}..${range.last} were dropped, and the state they led to is missing`);
      replay.jump(range.last, state);
      await stored.compareStates(replay);
    }
  }

  /** Bytes of binary blobs at any version, and a provider's last output: there, and what their hashes say. */
  async #checkContents(): Promise<void> {
    const { contentType, doc, facts } = this.#replay;
    const named = new Set<string>();
    if (shapeOf(contentType) === 'binary') {
      for (const structs of doc.store.clients.values()) {
        for (const struct of structs) {
          if (!(struct instanceof Y.Item)) continue;
          for (const value of struct.content.getContent() as { sha256?: unknown }[])
            if (typeof value?.sha256 === 'string') named.add(value.sha256);
        }
      }
    }
    if (facts.derivedFrom) named.add(facts.derivedFrom.outputHash);
    for (const hash of named) {
      const bytes = await this.#parts.contents.get(hash);
      if (!bytes) this.#report('content', `the bytes with SHA-256 ${hash} are missing`);
      else if (contentHash(bytes) !== hash) this.#report('content', `the bytes stored as SHA-256 ${hash} have another`);
    }
  }

  #head(): DerivedHead | undefined {
    const { origin, doc, facts, version } = this.#replay;
    if (!origin) return undefined;
    return {
      id: this.#blobId,
      ...origin,
      version,
      size: contentSize(doc, origin.genesis.contentType),
      ...facts,
    };
  }

  async #compareHead(head: DerivedHead | undefined): Promise<void> {
    if (!head) return;
    const found = await this.#parts.heads.derived(this.#blobId);
    if (!found) {
      this.#report('head', 'there is no stored head');
      return;
    }
    const expected = this.#parts.heads.derivedFields(head);
    for (const [field, value] of Object.entries(expected)) {
      if (!isSame(found[field as keyof typeof found], value))
        this.#report(
          'head',
          `${field} is ${shown(found[field as keyof typeof found])}, and ${shown(value)} by the log`,
        );
    }
  }
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 120);
}
