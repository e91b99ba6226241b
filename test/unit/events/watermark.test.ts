import * as assert from 'uvu/assert';
import { Watermark } from '../../../src/events/watermark.ts';
import { PUBLISH_AGAIN_WATERMARKS_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('watermark');

test('G5: it stands before the first commit that is not published, whatever is published beyond', () => {
  const mark = new Watermark();
  assert.is(mark.low, 0);
  for (const seq of [2, 3, 5]) mark.add(seq);
  assert.is(mark.low, 0);
  mark.add(1);
  assert.is(mark.low, 3);
  assert.equal(
    [3, 4, 5].map((seq) => mark.has(seq)),
    [true, false, true],
  );
  mark.add(2);
  mark.add(4);
  assert.is(mark.low, 5);
});

test('G5: it goes back to where it stood seconds ago, and forgets what it had beyond', () => {
  const mark = new Watermark();
  for (let second = 1; second <= PUBLISH_AGAIN_WATERMARKS_MAX + 2; second += 1) {
    mark.add(second);
    mark.note();
    // A second in which nothing is published counts for nothing.
    mark.note();
  }
  mark.add(100);
  mark.goBack();
  assert.is(mark.low, 3);
  assert.not(mark.has(4));
  assert.not(mark.has(100));
});

test.run();
