/**
 * One blob: its log played again, and everything that is stored of it compared with that. What was stored is read before
 * the log, so that nothing of it can be newer: what lies beyond the log's end then has outlived what the log lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as Y from 'yjs';
import { contentHash, contentSize } from '../../domain/content/canonical.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { AUDIT_AGAIN_MS, AUDIT_HEAD_MS_MAX, AUDIT_QUIET_MS } from '../../limits.ts';
import type { BlobHeads, DerivedHead } from '../../storage/blobs.ts';
import type { Checkpoints, Entry } from '../../storage/checkpoints.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Contents } from '../../storage/contents.ts';
import { isDatabaseError } from '../../storage/database-error.ts';
import type { NamedVersion, NamedVersions } from '../../storage/named-versions.ts';
import type { OriginBlocks, StoredBlock } from '../../storage/origin-blocks.ts';
import type { Tombstone, Tombstones } from '../../storage/log/tombstones.ts';
import { CheckpointAudit, isSame } from './checkpoint-audit.ts';
import type { DifferenceKind, Finding, Report } from './difference.ts';
import { LogReplay } from './log-replay.ts';
import { OriginAudit } from './origin-audit.ts';

export interface AuditParts {
  readonly log: CommitLog;
  readonly checkpoints: Checkpoints;
  readonly tombstones: Tombstones;
  readonly heads: BlobHeads;
  readonly contents: Contents;
  readonly origins: OriginBlocks;
  readonly names: NamedVersions;
}

export interface BlobOutcome {
  readonly findings: readonly Finding[];
  readonly deltas: number;
  /** The log could be played to its end. */
  readonly isLogWhole: boolean;
  /** What the head should be, if so, and the version that was found on the stored one. */
  readonly head?: DerivedHead;
  readonly storedVersion?: unknown;
  /** The head is right and old, and was waited for: to look again changes nothing. */
  readonly isHeadStale: boolean;
  readonly wrongEntries: readonly Entry[];
  /** Of the origins, what is to stand in the place of wrong ones. */
  readonly remadeOrigins: readonly StoredBlock[];
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
  readonly #origins: OriginAudit;
  #isLogWhole = true;
  #deltas = 0;
  #stored: Awaited<ReturnType<BlobHeads['derived']>>;
  /** As stored it is what the log says at its version. */
  #isHeadRight = false;
  #isHeadStale = false;

  constructor(blobId: string, parts: AuditParts) {
    this.#blobId = blobId;
    this.#parts = parts;
    this.#replay = new LogReplay(this.#report);
    this.#origins = new OriginAudit(blobId, parts.origins, this.#report);
  }

  readonly #report: Report = (kind, text, level = 'difference') => {
    this.#findings.push({ blobId: this.#blobId, kind, text, level });
  };

  destroy(): void {
    this.#replay.doc.destroy();
  }

  async run(): Promise<BlobOutcome> {
    const { checkpoints, tombstones, heads } = this.#parts;
    this.#stored = await heads.derived(this.#blobId);
    const named = await this.#parts.names.versionsOf(this.#blobId);
    const dropped = await tombstones.list(this.#blobId);
    const index = await checkpoints.index(this.#blobId);
    if (index.isDamaged) this.#report('checkpoint', 'the index of checkpoints is damaged');
    const stored = new CheckpointAudit(this.#blobId, index, checkpoints, this.#report);
    await this.#step('log', () => this.#play(stored, dropped));
    if (this.#isLogWhole) this.#requireEnd(stored, named);
    let head: DerivedHead | undefined;
    if (this.#isLogWhole) {
      this.#replay.checkAttribution();
      await this.#step('content', () => this.#checkContents());
      head = await this.#step('head', () => this.#compareHead());
    }
    const strays = await checkpoints.strays(this.#blobId, new Date());
    if (strays.length > 0)
      this.#report('checkpoint', `${strays.length} stored objects belong to no checkpoint`, 'note');
    return {
      findings: this.#findings,
      deltas: this.#deltas,
      isLogWhole: this.#isLogWhole,
      head,
      storedVersion: this.#stored?.version,
      isHeadStale: this.#isHeadStale,
      wrongEntries: stored.wrong,
      remadeOrigins: this.#origins.remade,
    };
  }

  /** What is stored may be anything: one thing that can't be read keeps nothing else from being looked at. */
  async #step<T>(kind: DifferenceKind, look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      if (isDatabaseError(error)) throw error;
      if (kind === 'log') this.#isLogWhole = false;
      this.#report(kind, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** What lies beyond is no fault of its own: it may be the last that is left of what was acknowledged (G1). */
  #requireEnd(stored: CheckpointAudit, named: readonly NamedVersion[]): void {
    const beyond = [...stored.beyond()];
    const version = this.#stored?.version;
    if (typeof version === 'number' && version > this.#replay.version) beyond.push(`the head, version ${version},`);
    for (const { version: one } of named)
      if (!(one <= this.#replay.version)) beyond.push(`version ${one}, which has a name,`);
    for (const what of beyond) this.#report('log', `${what} lies beyond the end of the log, ${this.#replay.version}`);
    if (beyond.length > 0) this.#isLogWhole = false;
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
          await this.#origins.add(delta);
          this.#deltas += 1;
          const isHead = replay.version === this.#stored?.version;
          if (replay.version < stored.nextVersion && !isHead) continue;
          replay.settle();
          await stored.compareStates(replay);
          if (isHead) this.#isHeadRight = this.#differencesFrom(this.#head()).length === 0;
        }
      }
      replay.settle();
    }
    await this.#origins.finish();
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

  #head(): DerivedHead {
    const { origin, doc, facts, version } = this.#replay;
    if (!origin) throw new Error('delta 1 does not say what the blob is');
    return {
      id: this.#blobId,
      ...origin,
      version,
      size: contentSize(doc, origin.genesis.contentType),
      ...facts,
    };
  }

  async #compareHead(): Promise<DerivedHead> {
    const head = this.#head();
    this.#checkMeta();
    if (!this.#stored) this.#report('head', 'there is no stored head');
    else if (!this.#isHeadRight) for (const text of this.#differencesFrom(head)) this.#report('head', text);
    else if (this.#stored.version !== head.version) {
      const text = `version is ${this.#stored.version}, and ${head.version} by the log`;
      this.#isHeadStale = !(await this.#catchesUp(head.version));
      if (this.#isHeadStale) this.#report('head', text);
      else this.#report('head', `${text}; it was written meanwhile`, 'note');
    }
    return head;
  }

  /** What is stored on the head and is not derived: of the types it is read as. */
  #checkMeta(): void {
    if (!this.#stored) return;
    const { labels, processed_by: processed, meta_version: metaVersion } = this.#stored as Record<string, unknown>;
    if (!isRecord(labels) || Object.values(labels).some((value) => typeof value !== 'string'))
      this.#report('labels', `labels are ${shown(labels)}`);
    if (!isRecord(processed)) this.#report('labels', `processed_by is ${shown(processed)}`);
    if (!Number.isSafeInteger(metaVersion)) this.#report('labels', `meta_version is ${shown(metaVersion)}`);
  }

  #differencesFrom(head: DerivedHead): string[] {
    const found = this.#stored ?? {};
    return Object.entries(this.#parts.heads.derivedFields(head))
      .map(([field, value]) => ({ field, value, is: found[field as keyof typeof found] }))
      .filter(({ value, is }) => !isSame(is, value))
      .map(({ field, value, is }) => `${field} is ${shown(is)}, and ${shown(value)} by the log`);
  }

  /** The head of a blob that goes on changing is written every so often; of one that does not, soon. */
  async #catchesUp(version: number): Promise<boolean> {
    const began = performance.now();
    for (let [end, movedAt] = [version, began]; ;) {
      if (((await this.#parts.heads.getMetas([this.#blobId])).get(this.#blobId)?.version ?? 0) >= version) return true;
      const now = performance.now();
      const last = (await this.#parts.log.lastSeq(this.#blobId)) ?? 0;
      if (last !== end) [end, movedAt] = [last, now];
      if (now - movedAt > AUDIT_QUIET_MS || now - began > AUDIT_HEAD_MS_MAX) return false;
      await sleep(AUDIT_AGAIN_MS);
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 120);
}
