/** Watches of a real stream that is not what it was when they stopped, or while they run. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { EventConnection } from '../../src/events/connection.ts';
import type { StudioEvent, WatchedEvent } from '../../src/events/contract.ts';
import { encodeCursor, requireHeld } from '../../src/events/cursor.ts';
import { StreamFeed } from '../../src/events/feed.ts';
import { STREAM } from '../../src/events/subjects.ts';
import { WATCHERS_PER_USER_MAX } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startBalancer } from './balancer.ts';
import { openEventWorld, type EventWorld } from './event-world.ts';

const test = suite('watches of events', { timeoutMs: 190_000 });
const ann = { userId: 'ann', administrator: false };
let world: EventWorld;
let engine: Engine;

test.before(async () => {
  world = await openEventWorld();
  const config = readConfig({ ...world.parts.environment, STUDIO_LOG_LEVEL: 'silent' });
  engine = await openEngine(config, pino({ level: 'silent' }));
});
test.after(() => world?.stop());
test.after(() => engine?.close());

async function create(id: string): Promise<void> {
  const content = new Uint8Array(0);
  await engine.documents.createBlob(ann, { id, content, contentType: 'text/plain', parentIds: [], labels: {} });
}

interface Watch {
  readonly seen: WatchedEvent[];
  /** The reason it ended for, or `ended`. */
  readonly outcome: Promise<string>;
  end(): Promise<void>;
}

function watch(cursor?: string, caller = ann): Watch {
  const ended = new AbortController();
  const seen: WatchedEvent[] = [];
  const outcome = (async () => {
    for await (const event of engine.watcher.watch(caller, { cursor, types: [] }, ended.signal)) seen.push(event);
    return 'ended';
  })().catch((error: { reason: string }) => error.reason);
  return {
    seen,
    outcome,
    end: async () => {
      ended.abort();
      await outcome;
    },
  };
}

const streamInfo = (): ReturnType<ReturnType<Engine['connection']['manager']>['streams']['info']> =>
  engine.connection.manager().streams.info(STREAM);

/** By which watches hear: their names. */
async function consumers(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of engine.connection.manager().consumers.list(STREAM)) names.push(name);
  return names;
}

test('G5: a watch that had heard nothing yet hears what came while its consumer was lost', async () => {
  const nats = await startBalancer([Number(new URL(world.parts.url('nats')).port)]);
  const logger = pino({ level: 'silent' });
  const connection = await EventConnection.open({ url: `nats://127.0.0.1:${nats.port}`, name: 'far', logger });
  const feed = new StreamFeed(connection, engine.access, logger);
  const heard: string[] = [];
  const onEvent = ({ type, blobId }: StudioEvent): void => void heard.push(`${type} ${blobId}`);
  try {
    const before = await consumers();
    await feed.listen({ onEvent, onEnd: (error) => void heard.push(error.reason) });
    const own = (await consumers()).filter((name) => !before.includes(name));
    assert.is(own.length, 1);
    nats.target([]);
    nats.cut();
    await eventually('it is cut off', () => !connection.healthy);
    for (const name of own) await engine.connection.manager().consumers.delete(STREAM, name);
    const { state } = await streamInfo();
    await create('unheard');
    await eventually(
      'its events are in the stream',
      async () => (await streamInfo()).state.last_seq === state.last_seq + 2,
    );
    assert.equal(heard, []);
    nats.target([Number(new URL(world.parts.url('nats')).port)]);
    await eventually('they are heard', () => heard.length >= 2, 90_000);
    assert.equal(heard, ['blob.created unheard', 'delta.applied unheard']);
  } finally {
    await feed.close();
    await connection.close();
    await nats.close();
  }
});

test('G6: a cursor goes on where the stream holds what follows it, and is refused where it does not', async () => {
  for (const id of ['one', 'two', 'three']) await create(id);
  const last = await eventually('their events are in the stream', async () => {
    const { created, state } = await streamInfo();
    // Two of each blob that was made here.
    return state.last_seq === 8 && { created, seq: state.last_seq };
  });
  const { created, seq } = last;
  const at = (place: number): string => encodeCursor({ created, seq: place });

  const whole = watch(at(0));
  await eventually('all come', () => whole.seen.length === seq);
  await whole.end();

  // The stream lets go of its first three.
  await engine.connection.manager().streams.purge(STREAM, { seq: 4 });
  assert.is(await watch(at(0)).outcome, 'CURSOR_INVALID');
  assert.is(await watch(at(2)).outcome, 'CURSOR_INVALID');
  const rest = watch(at(3));
  await eventually('the others come', () => rest.seen.length === seq - 3);
  await rest.end();

  // It lacks its end.
  assert.is(await watch(at(seq + 1)).outcome, 'CURSOR_INVALID');

  // It holds nothing.
  await engine.connection.manager().streams.purge(STREAM);
  assert.is(await watch(at(seq - 1)).outcome, 'CURSOR_INVALID');
  const next = watch(at(seq));
  await eventually('what comes now comes', async () => {
    if (next.seen.length === 0) await create(`later-${performance.now()}`.replace('.', '-'));
    return next.seen.length > 0;
  });
  await next.end();
});

test('G7: a user who watches as often as one may leaves watchers to the others', async () => {
  const eve = { userId: 'eve', administrator: false };
  const open = Array.from({ length: WATCHERS_PER_USER_MAX }, () => watch(undefined, eve));
  let refusal = '';
  void watch(undefined, eve).outcome.then((reason) => (refusal = reason));
  await eventually('one more is refused', () => refusal === 'LIMIT_EXCEEDED');
  const other = watch();
  await create('seen-beside-eve');
  await eventually('another hears', () => other.seen.length > 0);
  await open.pop()?.end();
  const again = watch(undefined, eve);
  for (const each of [...open, again, other]) await each.end();
  assert.is(await again.outcome, 'ended');
});

test('G6: a watch that is still shown what was there ends when the stream is made anew', async () => {
  const { created, state } = await streamInfo();
  // More than its consumer is given at once.
  const count = 120;
  await Promise.all(Array.from({ length: count }, (_none, index) => create(`many-${index}`)));
  await eventually('their events are in the stream', async () => {
    return (await streamInfo()).state.last_seq >= state.last_seq + 2 * count;
  });
  const cursor = encodeCursor({ created, seq: state.last_seq });
  const shown = engine.watcher.watch(ann, { cursor, types: [] }, new AbortController().signal)[Symbol.asyncIterator]();
  assert.is((await shown.next()).done, false);
  await engine.connection.manager().streams.delete(STREAM);
  await eventually('another is there', () => engine.connection.healthy && engine.connection.stream !== created);
  let outcome = '';
  const rest = (async () => {
    while (!(await shown.next()).done);
  })();
  void rest.catch(({ reason }: { reason: string }) => (outcome = reason));
  await eventually('it has ended', () => outcome === 'EVENTS_UNAVAILABLE', 5_000);
});

test('the numbers of a stream that was just made refuse no cursor before its first event', async () => {
  const { streams } = engine.connection.manager();
  await streams.add({ name: 'ANEW', subjects: ['anew.>'] });
  const { state } = await streams.info('ANEW');
  await streams.delete('ANEW');
  requireHeld(0, state);
  assert.throws(() => requireHeld(1, state), /lost its end/);
});

test.run();
