/** What patches are counted at. */
import * as assert from 'uvu/assert';
import { patchBytes, sentPatchBytes } from '../../../src/documents/writes/delta-writes.ts';
import type { Patch } from '../../../src/domain/delta.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('bytes of patches');

test('a batch is as large as what was sent of it, in UTF-8; what waits as what it takes in memory', () => {
  const edits = [{ offset: 0, deleteCount: 0, insert: 'abcé' }];
  const patch: Patch = { kind: 'text_edits', encoding: 'utf16', edits };
  assert.equal([sentPatchBytes(patch), patchBytes(patch)], [5, 24]);
  assert.is(sentPatchBytes({ kind: 'merge_patch', patch: '"é"' }), 4);
});

test.run();
