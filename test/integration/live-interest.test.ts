/** Commits are announced to processes that have the blob open, on a real NATS. */
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { Commit } from '../../src/domain/delta.ts';
import { EventConnection } from '../../src/events/connection.ts';
import { NatsLiveChannel } from '../../src/events/live.ts';
import { LIVE_SUBJECTS, liveSubject } from '../../src/events/subjects.ts';
import { INTEREST_EVERY_MS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';

const test = suite('live interest', { timeoutMs: 60_000 });
const logger = pino({ level: 'silent' });
let parts: TestParts;
let wire: NatsConnection;
/** Subjects of what went over the wire. */
const announced: string[] = [];
const connections: EventConnection[] = [];
let processes = 0;

test.before(async () => {
  parts = await startParts({ nats: true });
  wire = await connect({ servers: parts.url('nats') });
  wire.subscribe(LIVE_SUBJECTS, { callback: (_error, message) => void announced.push(message.subject) });
  await wire.flush();
});
test.after(async () => {
  for (const connection of connections) await connection.close();
  await wire.close();
  await parts.stop();
});

interface Process {
  readonly channel: NatsLiveChannel;
  readonly connection: EventConnection;
}

async function startProcess(): Promise<Process> {
  processes += 1;
  const id = String(processes).padStart(16, '0');
  const connection = await EventConnection.open({ url: parts.url('nats'), name: id, logger });
  connections.push(connection);
  return { channel: new NatsLiveChannel(connection, id, logger), connection };
}

/** What has been told is known to the server and on its way to the others. */
async function settle({ connection }: Process): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  await connection.core?.flush();
  await wire.flush();
}

function commitOf(blobId: string, seq: number): Commit {
  return { id: `c-${seq}`, blobId, firstSeq: seq, lastSeq: seq, deltas: [] } as unknown as Commit;
}

interface Heard {
  readonly commits: number[];
  hints: number;
}

function open({ channel }: Process, blobId: string): Heard & { readonly close: () => void } {
  const heard: Heard = { commits: [], hints: 0 };
  const close = channel.subscribe(
    blobId,
    (commit) => heard.commits.push(commit.firstSeq),
    () => (heard.hints += 1),
  );
  return Object.assign(heard, { close });
}

test('a commit goes to nobody while nobody else has the blob open, and to those who have', async () => {
  const [writer, reader] = [await startProcess(), await startProcess()];
  await settle(reader);
  open(writer, 'alone');
  writer.channel.announce(commitOf('alone', 1));
  await settle(writer);
  assert.not(announced.includes(liveSubject('alone')), 'its writer has it open, nobody else');

  const heard = open(reader, 'shared');
  await settle(reader);
  writer.channel.announce(commitOf('shared', 1));
  await eventually('the commit is heard of', () => heard.commits.length === 1);
  heard.close();
  // What is no longer open is told with the next whole set.
  await new Promise((resolve) => setTimeout(resolve, INTEREST_EVERY_MS * 1.5));
  const before = announced.length;
  writer.channel.announce(commitOf('shared', 2));
  await settle(writer);
  assert.is(announced.length, before);
});

test('G5: whoever opens a blob just after a commit that nobody was told of is told to look again', async () => {
  const [writer, reader] = [await startProcess(), await startProcess()];
  await settle(reader);
  writer.channel.announce(commitOf('late', 1));
  const heard = open(reader, 'late');
  await eventually('it is told to look', () => heard.hints > 0);
  assert.equal(heard.commits, []);
});

test('a process that starts learns at once what the others have open, and they that it is there', async () => {
  const reader = await startProcess();
  const heard = open(reader, 'known-before');
  await settle(reader);
  const writer = await startProcess();
  await settle(writer);
  await settle(reader);
  writer.channel.announce(commitOf('known-before', 1));
  await eventually('the commit is heard of', () => heard.commits.length === 1);
});

test('a process that ends is announced to no more', async () => {
  const [writer, reader] = [await startProcess(), await startProcess()];
  open(reader, 'closing');
  await settle(reader);
  reader.channel.close();
  await settle(reader);
  const before = announced.length;
  writer.channel.announce(commitOf('closing', 1));
  await settle(writer);
  assert.is(announced.length, before);
});

test.run();
