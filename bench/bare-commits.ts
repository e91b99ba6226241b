/** What the log's inserts cost by themselves: documents like a keystroke's commit, into a collection indexed like the log. */
import { randomBytes } from 'node:crypto';
import { headBase } from '../src/domain/base.ts';
import type { Commit, Delta } from '../src/domain/delta.ts';
import { commitId, deltaId, toDocument } from '../src/storage/commit-document.ts';
import { openDatabase, type Database } from '../src/storage/database.ts';

const UPDATE_BYTES = 22;
const PATCH = Buffer.from('{"edits":[{"offset":1000,"deleteCount":0,"insert":"x"}],"encoding":"code_points"}');

export class BareCommits {
  readonly #database: Database;
  readonly #committer = randomBytes(8).toString('hex');
  readonly #blobs: readonly { readonly id: string; version: number }[];
  #next = 1;

  private constructor(database: Database, blobs: number) {
    this.#database = database;
    this.#blobs = Array.from({ length: blobs }, () => ({ id: randomBytes(16).toString('hex'), version: 1 }));
  }

  static async open(url: string, blobs: number): Promise<BareCommits> {
    return new BareCommits(await openDatabase({ url, name: 'bench_bare' }), blobs);
  }

  /** One insert, journaled, with the next commit of each blob. */
  async insert(): Promise<void> {
    const documents = this.#blobs.map((blob) => toDocument(this.#commit(blob.id, ++blob.version)));
    const { n } = await this.#database.insert('commits', documents);
    if (n !== documents.length) throw new Error('An insert was refused.');
  }

  #commit(blobId: string, seq: number): Commit {
    const committerSeq = this.#next++;
    const id = commitId(this.#committer, committerSeq);
    const delta: Delta = {
      id: deltaId(id, 0),
      blobId,
      toVersion: seq,
      userId: 'bench',
      operation: 'update',
      patch: { kind: 'text_edits', bytes: PATCH.byteLength, body: PATCH },
      updates: [randomBytes(UPDATE_BYTES)],
      base: headBase(seq - 1),
      chainLength: 1,
      newClients: [],
      authoredWith: 1_000_000_000,
      createdAt: new Date(),
      appliedAt: new Date(),
    };
    const place = { blobId, firstSeq: seq, lastSeq: seq, committer: this.#committer, committerSeq };
    return { id, ...place, owner: 'bench', contentType: 'text/plain', rootId: blobId, deltas: [delta] };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
