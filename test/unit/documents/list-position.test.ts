/** Where a list goes on behind blobs that its caller may not see. */
import * as assert from 'uvu/assert';
import { positionBehind } from '../../../src/documents/reads/list-position.ts';
import { orderKey } from '../../../src/storage/blobs.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('list positions');
const key = (id: string, ms: number): string => orderKey({ id, createdAt: new Date(ms) });

test('G8: a page token tells the id of no blob that was not shown', () => {
  const position = positionBehind(key('shown', 9), key('secret', 5), undefined);
  assert.not.match(position, 'secret');
  assert.ok(
    position < key('shown', 9) && position > key('secret', 5),
    'what was made at the same moment is not left out',
  );
});

test('nothing is shown twice, and each page gets further', () => {
  const shown = key('m', 5);
  assert.is(positionBehind(shown, key('a', 5), undefined), shown);
  const again = positionBehind(undefined, key('b', 5), undefined);
  const further = positionBehind(undefined, key('b', 5), again);
  assert.ok(further < key('a', 5) && further > key('z', 4));
});

test.run();
