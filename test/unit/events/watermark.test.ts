import * as assert from 'uvu/assert';
import { ToldNumbers } from '../../../src/events/told-numbers.ts';
import { Watermark } from '../../../src/events/watermark.ts';
import { PUBLISH_AGAIN_MS } from '../../../src/limits.ts';
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

test('G5: it goes back to before what the stream may still lose, and forgets what it had beyond', () => {
  const mark = new Watermark();
  const second = 1_000;
  for (let seconds = 1; seconds <= 300; seconds += 1) {
    // Nothing is published in every other second, nor in the last minute.
    if (seconds % 2 === 0 && seconds <= 240) mark.add(seconds / 2);
    mark.note(seconds * second);
  }
  assert.is(mark.low, 120);
  const lostSince = 300 - PUBLISH_AGAIN_MS / second;
  assert.is(mark.again, lostSince / 2);
  mark.add(200);
  mark.goBack({ isLost: false });
  assert.equal([mark.low, mark.has(200)], [120, false]);
  mark.add(200);
  mark.goBack({ isLost: true });
  assert.is(mark.low, lostSince / 2);
  assert.not(mark.has(lostSince / 2 + 1));
  assert.not(mark.has(200));
  // What is published after that may be lost as well, whatever was noted before.
  for (let seq = mark.low + 1; seq <= 120; seq += 1) mark.add(seq);
  mark.note(360 * second);
  assert.equal([mark.low, mark.again], [120, lostSince / 2]);
  mark.note(360 * second + PUBLISH_AGAIN_MS);
  assert.is(mark.again, 120);
});

test.run();
