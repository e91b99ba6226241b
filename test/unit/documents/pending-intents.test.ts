import * as assert from 'uvu/assert';
import { Intent } from '../../../src/documents/commits/intent.ts';
import { PendingIntents } from '../../../src/documents/commits/pending-intents.ts';
import { ROOM_PENDING_BYTES_MAX, ROOM_PENDING_EDITS_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('changes that wait for their flush');
const change = (bytes: number): Intent => new Intent({ userId: 'ada', work: { kind: 'delete' }, bytes });

test('G7: so many changes wait and no more, until some are taken', () => {
  const pending = new PendingIntents();
  for (let index = 0; index < ROOM_PENDING_EDITS_MAX; index++) assert.ok(pending.add(change(1)));
  assert.not.ok(pending.add(change(0)));
  assert.is(pending.size, ROOM_PENDING_EDITS_MAX);
  assert.ok(pending.takeFlush().length > 0);
  assert.ok(pending.add(change(1)));
});

test('G7: so many bytes wait and no more, until some are taken', () => {
  const pending = new PendingIntents();
  const half = ROOM_PENDING_BYTES_MAX / 2;
  assert.ok(pending.add(change(half)));
  assert.ok(pending.add(change(half)));
  assert.not.ok(pending.add(change(1)));
  assert.ok(pending.add(change(0)));
  assert.is(pending.bytes, ROOM_PENDING_BYTES_MAX);
  pending.takeFlush();
  assert.is(pending.bytes, half);
  assert.ok(pending.add(change(half)));
});

test.run();
