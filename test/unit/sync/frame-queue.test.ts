/** What waits for a stream's reader: bounded, in an order that lets a reader believe what it is told. */
import * as assert from 'uvu/assert';
import { SYNC_STREAM_BYTES_MAX, SYNC_STREAM_FRAMES_MAX, SYNC_STREAM_STALL_MS_MAX } from '../../../src/limits.ts';
import { StudioError } from '../../../src/errors.ts';
import { FrameQueue } from '../../../src/transport/sync-streams/frame-queue.ts';
import { suite } from '../../harness/suite.ts';
import type { Frame, FrameSource } from '../../../src/transport/sync-streams/frames.ts';

const test = suite('frame queue');

/** A document whose version counts the updates it was told of. */
class Counter implements FrameSource {
  readonly blobId: string;
  version = 0;
  sent = 0;
  #queue: FrameQueue;

  constructor(blobId: string, queue: FrameQueue) {
    this.blobId = blobId;
    this.#queue = queue;
  }

  update(bytes: number): void {
    this.version += 1;
    this.#queue.add(this, { kind: 'update', update: new Uint8Array(bytes), version: this.version });
  }

  commit(): void {
    this.version += 1;
    this.#queue.add(this, { kind: 'committed', reference: 0n, version: this.version, seen: true });
  }

  opening(): Frame {
    const nothing = new Uint8Array();
    return { kind: 'opened', version: this.version, update: nothing, stateVector: nothing, readOnly: false };
  }

  missed(): Frame {
    return { kind: 'update', update: new Uint8Array(1), version: this.version };
  }

  presence(): Frame {
    return { kind: 'awareness', update: Uint8Array.of(0) };
  }

  /** What a reader believes: it has seen all up to here. */
  taken(frame: Frame): void {
    if (frame.kind === 'committed') assert.is(frame.version > this.sent + 1, false, 'told of more than it was sent');
    if ('version' in frame) this.sent = Math.max(this.sent, frame.version);
  }
}

async function readAll(queue: FrameQueue): Promise<Frame[]> {
  queue.end();
  const frames: Frame[] = [];
  for await (const sent of queue.read()) if (sent !== 'keep_alive') frames.push(sent.frame);
  return frames;
}

test('G7: over the limit of frames, updates become one, and answers stay behind what they speak of', async () => {
  const queue = new FrameQueue();
  const document = new Counter('a', queue);
  for (let n = 0; n < SYNC_STREAM_FRAMES_MAX * 3; n += 1) {
    document.update(1);
    if (n % 100 === 99) document.commit();
  }
  assert.not.ok(queue.isFull, 'what was left out makes room');
  const frames = await readAll(queue);
  assert.ok(frames.length < SYNC_STREAM_FRAMES_MAX);
  assert.is(frames[0]?.kind, 'update');
  assert.is(frames.filter(({ kind }) => kind === 'committed').length, Math.floor((SYNC_STREAM_FRAMES_MAX * 3) / 100));
  assert.is(document.sent, document.version);
});

test('G7: what the reader is not told of does not wait for it', async () => {
  const error = new StudioError('UPDATE_MALFORMED', 'That is no update.');
  for (const tellsRefusals of [false, true]) {
    const queue = new FrameQueue(undefined, { tellsRefusals });
    const document = new Counter('a', queue);
    for (let n = 0; n < 10; n += 1) queue.add(document, { kind: 'rejected', reference: 0n, error });
    assert.is((await readAll(queue)).length, tellsRefusals ? 10 : 0);
  }
});

test('G7: over the limit of bytes too, of all documents together', async () => {
  const queue = new FrameQueue();
  const documents = [new Counter('a', queue), new Counter('b', queue)];
  const size = SYNC_STREAM_BYTES_MAX / 16;
  for (let n = 0; n < 20; n += 1) for (const document of documents) document.update(size);
  const frames = await readAll(queue);
  const bytes = frames.reduce((sum, frame) => sum + (frame.kind === 'update' ? frame.update.byteLength : 0), 0);
  assert.ok(bytes <= SYNC_STREAM_BYTES_MAX, `${bytes} bytes`);
  for (const document of documents) assert.is(document.sent, document.version);
});

test('G7: presence gives way first, and is sent as it is when the reader has caught up', async () => {
  const queue = new FrameQueue();
  const document = new Counter('a', queue);
  for (let n = 0; n < SYNC_STREAM_FRAMES_MAX / 2; n += 1) document.update(1);
  for (let n = 0; n < 100; n += 1) queue.add(document, { kind: 'awareness', update: new Uint8Array(9) });
  const frames = await readAll(queue);
  const presence = frames.filter(({ kind }) => kind === 'awareness');
  assert.is(presence.length, 1);
  assert.is(frames.at(-1), presence[0]);
});

test('a state is made when its turn comes; a document that left is sent nothing that would have to be made', async () => {
  const queue = new FrameQueue();
  const [stays, leaves] = [new Counter('a', queue), new Counter('b', queue)];
  queue.addOpened(stays);
  queue.addOpened(leaves);
  stays.version = 7;
  queue.forget(leaves);
  const frames = await readAll(queue);
  assert.equal(
    frames.map((frame) => [frame.kind, 'version' in frame && frame.version]),
    [['opened', 7]],
  );
});

test('G6: answers behind what is not sent any more do not say that it was; those before it do', async () => {
  const queue = new FrameQueue();
  const [stays, leaves] = [new Counter('a', queue), new Counter('b', queue)];
  leaves.commit();
  queue.addOpened(leaves);
  for (const document of [leaves, stays, leaves]) document.commit();
  queue.forget(leaves);
  const answers = (await readAll(queue)).map((frame) => frame.kind === 'committed' && frame.seen);
  assert.equal(answers, [true, false, true, false]);
});

test('G6: the same where the frame can no longer be made when its turn comes', async () => {
  const queue = new FrameQueue();
  const left = new Counter('a', queue);
  left.opening = () => undefined as unknown as Frame;
  queue.addOpened(left);
  left.commit();
  const answers = (await readAll(queue)).map((frame) => frame.kind === 'committed' && frame.seen);
  assert.equal(answers, [false]);
});

test('a reader that waits is told that the stream lives, and what fails it', async () => {
  const queue = new FrameQueue();
  const reader = queue.read();
  const next = reader.next();
  queue.beat();
  assert.is((await next).value, 'keep_alive');
  const last = reader.next();
  const error = new Error('over');
  queue.fail(error);
  await last.then(
    () => assert.unreachable(),
    (thrown: unknown) => assert.is(thrown, error),
  );
});

test('G7: a reader that takes nothing for too long is given up at once, though it does not ask', async () => {
  let failed = 0;
  const queue = new FrameQueue(() => (failed += 1));
  const document = new Counter('a', queue);
  for (let n = 0; n < SYNC_STREAM_FRAMES_MAX; n += 1) document.update(1);
  const reader = queue.read();
  await reader.next();
  const now = performance.now.bind(performance);
  const startedMs = now();
  try {
    performance.now = () => startedMs + SYNC_STREAM_STALL_MS_MAX / 2;
    queue.beat();
    assert.is(failed, 0);
    performance.now = () => startedMs + SYNC_STREAM_STALL_MS_MAX * 2;
    queue.beat();
    queue.beat();
  } finally {
    performance.now = now;
  }
  assert.is(failed, 1);
  assert.not.ok(queue.isFull, 'what waited is let go of');
  await reader.next().then(
    () => assert.unreachable(),
    (error: StudioError) => assert.is(error.metadata.limit, 'SYNC_STREAM_STALL_MS_MAX'),
  );
});

test.run();
