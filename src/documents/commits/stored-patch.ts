/** What of a request is kept on its delta for people to read. */
import { createHash } from 'node:crypto';
import type { Patch, StoredPatch } from '../../domain/delta.ts';
import { PATCH_STORED_BYTES_MAX } from '../../limits.ts';
import type { Work } from './intent.ts';

export function storedPatch(work: Work): StoredPatch {
  switch (work.kind) {
    case 'create':
      return bounded('create', work.content);
    case 'transform':
      return bounded('content', work.content);
    case 'delete':
    case 'undelete':
      return { kind: work.kind, bytes: 0 };
    case 'push':
      // The update itself is on the delta.
      return { kind: 'sync', bytes: work.update.byteLength };
    case 'patch':
      return storedChange(work.patch);
    case 'batch':
      // Each of its deltas has its own.
      return { kind: 'content', bytes: 0 };
  }
}

/** Reverts are not here: theirs says what they came to (revert-maker.ts). */
export function storedChange(patch: Patch): StoredPatch {
  switch (patch.kind) {
    case 'yjs_update':
      return { kind: 'yjs_update', bytes: patch.update.byteLength };
    case 'content':
      return bounded('content', patch.content);
    case 'text_edits':
      return bounded('text_edits', Buffer.from(JSON.stringify({ edits: patch.edits, encoding: patch.encoding })));
    case 'json_patch':
    case 'merge_patch':
      return bounded(patch.kind, Buffer.from(patch.patch));
    case 'revert':
      return { kind: 'revert', bytes: 0 };
  }
}

function bounded(kind: StoredPatch['kind'], body: Uint8Array): StoredPatch {
  if (body.byteLength <= PATCH_STORED_BYTES_MAX) return { kind, bytes: body.byteLength, body };
  return { kind, bytes: body.byteLength, hash: createHash('sha256').update(body).digest('hex') };
}
