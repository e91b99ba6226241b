/** What the log's inserts cost by themselves: documents like the studio's, into a collection indexed like the log. */
import { randomBytes } from 'node:crypto';
import { headBase } from '../src/domain/base.ts';
import type { Commit, Delta, StoredPatch } from '../src/domain/delta.ts';
import { commitId, deltaId, toDocument } from '../src/storage/log/commit-document.ts';
import { openDatabase, type Database } from '../src/storage/database.ts';

/** As ApplyDelta is asked for a keystroke. */
const TEXT_EDIT = Buffer.from('{"edits":[{"offset":1000,"deleteCount":0,"insert":"x"}],"encoding":"code_points"}');
export const KEYSTROKE: StoredPatch = { kind: 'text_edits', bytes: TEXT_EDIT.byteLength, body: TEXT_EDIT };
/** About a keystroke's as a Yjs update. */
export const KEYSTROKE_BYTES = 22;

/** As many inserts as the studio has on their way. */
export const INSERTS_IN_FLIGHT = 2;

/** The blob's id, and the updates that its next commit is to hold as deltas. */
export type BareCommit = readonly [blobId: string, updates: readonly Uint8Array[]];

export class BareCommits {
  readonly #database: Database;
  readonly #patch: StoredPatch | undefined;
  readonly #committer = randomBytes(8).toString('hex');
  readonly #versions = new Map<string, number>();
  #next = 1;

  private constructor(database: Database, patch: StoredPatch | undefined) {
    this.#database = database;
    this.#patch = patch;
  }

  /**
   * A log of this process alone. `patch`: what each delta keeps of what it was asked with; of an editor's update the
   * update is all there is.
   */
  static async open(url: string, patch?: StoredPatch): Promise<BareCommits> {
    return new BareCommits(await openDatabase({ url, name: `bench_bare_${process.pid}` }), patch);
  }

  /** All in one journaled insert. */
  async insert(commits: readonly BareCommit[]): Promise<void> {
    const { n } = await this.#database.insert(
      'commits',
      commits.map(([blobId, updates]) => toDocument(this.#commit(blobId, updates))),
    );
    if (n !== commits.length) throw new Error('An insert was refused.');
  }

  #commit(blobId: string, updates: readonly Uint8Array[]): Commit {
    const committerSeq = this.#next++;
    const id = commitId(this.#committer, committerSeq);
    const firstSeq = (this.#versions.get(blobId) ?? 0) + 1;
    const lastSeq = firstSeq + updates.length - 1;
    this.#versions.set(blobId, lastSeq);
    const deltas = updates.map((update, index): Delta => {
      const seq = firstSeq + index;
      return {
        id: deltaId(id, index),
        blobId,
        toVersion: seq,
        userId: 'bench',
        operation: 'update',
        patch: this.#patch ?? { kind: 'sync', bytes: update.byteLength },
        updates: [update],
        base: headBase(seq - 1),
        chainLength: 1,
        newClients: [],
        ...(this.#patch && { authoredWith: 1_000_000_000 }),
        createdAt: new Date(),
        appliedAt: new Date(),
      };
    });
    const place = { blobId, firstSeq, lastSeq, committer: this.#committer, committerSeq };
    return { id, ...place, owner: 'bench', contentType: 'text/plain', rootId: blobId, deltas };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
