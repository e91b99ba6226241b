import * as assert from 'uvu/assert';
import { Intent } from '../../../src/documents/commits/intent.ts';
import { RoomState } from '../../../src/documents/memory/room-state.ts';
import { HeldUpdates } from '../../../src/documents/trials/held-updates.ts';
import { StudioError } from '../../../src/errors.ts';
import { ROOM_PENDING_BYTES_MAX, ROOM_PENDING_EDITS_MAX, TRIAL_FROM_BYTES } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';
import { trialsFromSource } from './trial-threads.ts';

const test = suite('updates that are held for a trial');
const trials = trialsFromSource();
test.after(() => trials.close());

const session = { onUpdate: (): void => undefined, onClose: (): void => undefined };
const LARGE = new Uint8Array(TRIAL_FROM_BYTES).fill(1);

function pushed(bytes: number, update = LARGE): Intent {
  return new Intent({ userId: 'ada', work: { kind: 'push', update, session, separate: false }, bytes });
}

/** All of the session wait for what it sent before, which is in a flush that does not end. */
function holding(): HeldUpdates {
  const flushing = pushed(0);
  const state = new RoomState('held');
  return new HeldUpdates({
    state,
    trials,
    refresh: () => Promise.resolve(),
    release: (intent) => assert.unreachable(`${intent.bytes} bytes are let go`),
    lastOf: () => flushing,
  });
}

async function isRefused(held: HeldUpdates, intent: Intent): Promise<boolean> {
  const { count, bytes } = { count: held.size, bytes: held.bytes };
  assert.ok(held.takes(intent), 'it does not join a flush before those it comes behind');
  if (intent.isOpen) return false;
  assert.equal([held.size, held.bytes], [count, bytes]);
  const refusal: unknown = await intent.settled.catch((error: unknown) => error);
  assert.instance(refusal, StudioError);
  assert.is((refusal as StudioError).reason, 'LIMIT_EXCEEDED');
  return true;
}

test('G7: so many updates are held and no more, and one that is refused does not pass the others', async () => {
  const held = holding();
  assert.not.ok(held.takes(pushed(1, Uint8Array.of(0, 0))), 'nothing to wait for');
  for (let index = 0; index < ROOM_PENDING_EDITS_MAX; index++) assert.not.ok(await isRefused(held, pushed(1)));
  assert.ok(await isRefused(held, pushed(0)));
  assert.ok(await isRefused(held, pushed(0, Uint8Array.of(0, 0))));
  assert.is(held.takeAll().length, ROOM_PENDING_EDITS_MAX);
  assert.not.ok(await isRefused(held, pushed(1)));
});

test('G7: so many bytes are held and no more', async () => {
  const held = holding();
  assert.not.ok(await isRefused(held, pushed(ROOM_PENDING_BYTES_MAX - 1)));
  assert.ok(await isRefused(held, pushed(2)));
  assert.not.ok(await isRefused(held, pushed(1)));
  assert.ok(await isRefused(held, pushed(1)));
  assert.is(held.bytes, ROOM_PENDING_BYTES_MAX);
});

test.run();
