import * as assert from 'uvu/assert';
import { Gathering } from '../../../src/documents/checkpoints/gathering.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('gathering');

/** Whether the pause is over in the next turn of the event loop. */
async function endsAtOnce(pause: Promise<void>): Promise<boolean> {
  const later = new Promise((resolve) => void setImmediate(resolve, 'later'));
  return (await Promise.race([pause, later])) !== 'later';
}

test('whoever can not wait ends the pause there is', async () => {
  const gathering = new Gathering();
  const pause = gathering.pause();
  assert.not(await endsAtOnce(pause));
  gathering.skip();
  assert.ok(await endsAtOnce(pause));
  assert.not(await endsAtOnce(gathering.pause()));
});

test('or leaves out the next, and only that', async () => {
  const gathering = new Gathering();
  gathering.skip();
  assert.ok(await endsAtOnce(gathering.pause()));
  assert.not(await endsAtOnce(gathering.pause()));
});

test('no pauses while somebody is in a hurry', async () => {
  const gathering = new Gathering();
  const before = gathering.pause();
  await gathering.hurry(async () => {
    assert.ok(await endsAtOnce(before));
    assert.ok(await endsAtOnce(gathering.pause()));
  });
  assert.not(await endsAtOnce(gathering.pause()));
});

test.run();
