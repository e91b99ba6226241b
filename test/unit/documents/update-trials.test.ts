import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Trial } from '../../../src/documents/trials/update-trials.ts';
import { WaitingTrials, type WaitingTrial } from '../../../src/documents/trials/waiting-trials.ts';
import { StudioError } from '../../../src/errors.ts';
import { TRIAL_MS_MAX, TRIALS_WAITING_MAX, TRIALS_WAITING_PER_USER_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';
import { fan, shreddedText, typed } from '../guard/bombs.ts';
import { string, write } from '../guard/updates.ts';
import { trialsFromSource } from './trial-threads.ts';

const test = suite('update trials', { timeoutMs: 60_000 });
const trials = trialsFromSource();
test.after(() => trials.close());

const EMPTY = Uint8Array.of(0, 0);

function textTrial(state: Uint8Array, update: Uint8Array, by: Partial<Trial> = {}): Trial {
  const trial = { state: () => state.slice(), updates: [update], contentType: 'text/plain' };
  return { userId: 'ada', isPatient: false, ...trial, ...by };
}

async function refusal(trial: Trial): Promise<StudioError> {
  try {
    await trials.try(trial);
  } catch (error) {
    assert.instance(error, StudioError);
    return error as StudioError;
  }
  throw new Error('it passed');
}

test('G7: what is large and honest passes, and the update is still there', async () => {
  const update = typed(200_000, 7, { parent: 'content' });
  await trials.try(textTrial(EMPTY, update));
  assert.ok(update.byteLength > 1_000_000);
});

test('G6: what the guard refuses is refused by the thread in the same words', async () => {
  const missing = await refusal(
    textTrial(EMPTY, write([{ client: 8, clock: 0, structs: [string('x', { origin: [9, 3] })] }])),
  );
  assert.is(missing.reason, 'UPDATE_DEPENDS_ON_MISSING');
  assert.is(missing.metadata['missing'], '9:0');
});

test('G7: a quadratic integration is stopped with its thread, and the next trial has a new one', async () => {
  const started = performance.now();
  // Alone in a thread of the process it would take minutes.
  const bomb = await refusal(
    textTrial(
      write([{ client: 1, clock: 0, structs: [string('a'.repeat(60_000), { parent: 'content' })] }]),
      fan(60_000),
    ),
  );
  assert.is(bomb.reason, 'UPDATE_TOO_COMPLEX', bomb.message);
  assert.is(bomb.metadata['limit'], 'TRIAL_MS_MAX');
  assert.ok(performance.now() - started < TRIAL_MS_MAX + 5_000, 'stopped in time');
  await trials.try(textTrial(EMPTY, typed(10, 7, { parent: 'content' })));
});

test('G7: an integration that ends, but takes longer than its size is worth, is refused', async () => {
  const text = write([{ client: 1, clock: 0, structs: [string('a'.repeat(3_000), { parent: 'content' })] }]);
  const bomb = await refusal(textTrial(text, fan(1_500)));
  assert.is(bomb.metadata['limit'], 'INTEGRATION_MS_MIN', bomb.message);
});

test('G7: a document too large for the thread ends the thread, not the process', async () => {
  const limited = trialsFromSource(48);
  const small = textTrial(EMPTY, typed(10, 7, { parent: 'content' }));
  await limited.try(small);
  try {
    await limited.try(textTrial(EMPTY, shreddedText(200_000)));
    assert.unreachable('there was memory enough');
  } catch (error) {
    assert.is((error as StudioError).metadata['limit'], 'TRIAL_MEMORY_MB_MAX', String(error));
  }
  await limited.try(small);
  limited.close();
});

test('what earlier trials left in memory is no reason to refuse the next', async () => {
  const limited = trialsFromSource(96);
  const large = textTrial(shreddedText(60_000), typed(10, 7, { parent: 'content' }));
  for (let n = 0; n < 8; n++) await limited.try(large);
  limited.close();
});

test('content that would be too large is refused by what it would be', async () => {
  const doc = new Y.Doc();
  const rich = doc.getXmlFragment('default');
  const text = new Y.XmlText();
  rich.insert(0, [text]);
  text.insert(0, 'ab'.repeat(2_000));
  text.format(0, 4_000, { link: { href: 'h'.repeat(20_000) } });
  for (let at = 0; at < 2_000; at++) text.format(at * 2, 1, { bold: true });
  const error = await refusal({
    state: () => EMPTY.slice(),
    updates: [Y.encodeStateAsUpdate(doc)],
    contentType: 'application/vnd.studio.prosemirror+yjs',
    userId: 'ada',
    isPatient: false,
  });
  assert.is(error.reason, 'CONTENT_TOO_LARGE', error.message);
});

function waiting(userId: string, isPatient = false): WaitingTrial {
  const trial = textTrial(EMPTY, EMPTY, { userId, isPatient });
  return { trial, resolve: () => undefined, reject: () => undefined };
}

test('G7: no more wait than may, and no user takes the places of the others', async () => {
  const own = trialsFromSource();
  const small = (userId: string): Promise<void> =>
    own.try(textTrial(EMPTY, typed(10, 7, { parent: 'content' }), { userId }));
  const all = Array.from({ length: TRIALS_WAITING_PER_USER_MAX + 10 }, () => small('mallory'));
  const others = [small('ada'), own.try(textTrial(EMPTY, EMPTY, { userId: 'mallory', isPatient: true }))];
  const results = await Promise.allSettled(all);
  const refused = results.filter((result) => result.status === 'rejected');
  assert.ok(refused.length >= 8 && refused.length <= 10, `${refused.length} refused`);
  for (const { reason } of refused) {
    assert.is((reason as StudioError).reason, 'LIMIT_EXCEEDED');
    assert.is((reason as StudioError).metadata['limit'], 'TRIALS_WAITING_PER_USER_MAX');
  }
  await Promise.all(others);
  own.close();
});

test('G7: users take turns, however many wait of one', () => {
  const queue = new WaitingTrials();
  for (const user of ['mallory', 'mallory', 'mallory', 'ada', 'bob', 'ada']) queue.add(waiting(user));
  const order: string[] = [];
  for (let next = queue.take(); next; next = queue.take()) order.push(next.trial.userId);
  assert.equal(order, ['mallory', 'ada', 'bob', 'mallory', 'ada', 'mallory']);
  assert.is(queue.size, 0);
});

test('G7: many users have a limit in common, which editors do not count against', () => {
  const queue = new WaitingTrials();
  for (let index = 0; index < 2 * TRIALS_WAITING_MAX; index++) queue.add(waiting('editor', true));
  for (let index = 0; index < TRIALS_WAITING_MAX; index++) {
    assert.is(queue.limitFor('next'), undefined);
    queue.add(waiting(`user-${index}`));
  }
  assert.is(queue.limitFor('next'), 'TRIALS_WAITING_MAX');
  assert.is(queue.takeAll().length, 3 * TRIALS_WAITING_MAX);
  assert.is(queue.limitFor('next'), undefined);
});

test.run();
