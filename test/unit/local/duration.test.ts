import * as assert from 'uvu/assert';
import { parseDuration } from '../../../src/local/duration.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('durations');

test('seconds, minutes, hours and days; nothing else', () => {
  assert.equal(['90s', '30m', '12h', '7d'].map(parseDuration), [90, 1_800, 43_200, 604_800]);
  for (const text of ['', '5', '0s', '-1h', '1.5h', '1w', '1h30m', 'h'])
    assert.is(parseDuration(text), undefined, text);
});

test.run();
