/** The log itself, read past every studio and played into a document of its own: what everything else must equal. */
import * as Y from 'yjs';
import { readCanonical } from '../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../src/domain/content/document.ts';
import { shapeOf } from '../../src/domain/content/shape.ts';
import type { Delta } from '../../src/domain/delta.ts';
import { fromDocument } from '../../src/storage/log/commit-document.ts';
import type { Database } from '../../src/storage/database.ts';

export interface LoggedBlob {
  readonly deltas: readonly Delta[];
  readonly contentType: string;
  /** Seqs that do not follow the one before. */
  readonly problems: readonly string[];
}

export async function readLog(database: Database, blobId: string): Promise<LoggedBlob> {
  const deltas: Delta[] = [];
  const problems: string[] = [];
  let contentType = '';
  // By a cursor of its own: what the studio's way of reading leaves out must show.
  for await (const document of database.commits.find({ blob_id: blobId }).sort({ blob_id: 1, first_seq: 1 })) {
    const commit = fromDocument(document);
    contentType = commit.contentType;
    if (commit.lastSeq !== commit.firstSeq + commit.deltas.length - 1) problems.push(`${commit.id} has another length`);
    for (const delta of commit.deltas) {
      const expected = (deltas.at(-1)?.toVersion ?? 0) + 1;
      if (delta.toVersion !== expected) problems.push(`after ${expected - 1} comes ${delta.toVersion}`);
      deltas.push(delta);
    }
  }
  return { deltas, contentType, problems };
}

/** Canonical content after each of the versions asked for (ascending); the last one is the head. */
export function replay(blob: LoggedBlob, versions: ReadonlySet<number>): { at: Map<number, string>; head: string } {
  const doc = createDocument({ gc: false });
  rootOf(doc, shapeOf(blob.contentType));
  const at = new Map<number, string>();
  const content = (): string => Buffer.from(readCanonical(doc, blob.contentType)).toString('utf8');
  for (const delta of blob.deltas) {
    for (const update of delta.updates) Y.applyUpdate(doc, update);
    if (versions.has(delta.toVersion)) at.set(delta.toVersion, content());
  }
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
    throw new Error('the log refers to something that is not in it');
  }
  const head = content();
  doc.destroy();
  return { at, head };
}
