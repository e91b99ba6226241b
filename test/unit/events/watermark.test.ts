import * as assert from 'uvu/assert';
import { ToldNumbers } from '../../../src/events/told-numbers.ts';
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

test('G7: it passes over what is gone, in whatever order it hears of that', () => {
  const mark = new Watermark();
  mark.add(4);
  mark.pass({ after: 4, to: 6 });
  mark.pass({ after: 1, to: 2 });
  mark.pass({ after: 1, to: 3 });
  assert.is(mark.low, 0);
  mark.add(1);
  assert.is(mark.low, 6);
  mark.pass({ after: 3, to: 5 });
  mark.add(8);
  assert.is(mark.low, 6);
  mark.pass({ after: 5, to: 7 });
  assert.is(mark.low, 8);
});

test('G5: gone is what was told of before a look at the log, and is not found by it', () => {
  const told = new ToldNumbers();
  for (const seq of [1, 2, 3, 4, 6, 7, 9]) told.add(seq);
  told.look();
  // Came too late for the look; 8 is still on its way.
  told.add(5);
  const page = [2, 7].map((committerSeq) => ({ committerSeq }));
  const gone = (to: number): number[] =>
    [...told.goneFrom(page, { after: 0, to })].flatMap(({ after, to: last }) =>
      Array.from({ length: last - after }, (_none, index) => after + index + 1),
    );
  assert.equal(gone(9), [1, 3, 4, 6, 9]);
  assert.equal(gone(3), [1, 3]);
  told.looked();
  told.look();
  assert.equal(gone(9), [1, 3, 4, 5, 6, 9]);
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
