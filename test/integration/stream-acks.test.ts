/** The event stream's word that it has a message, from a real JetStream. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { EventConnection } from '../../src/events/connection.ts';
import { StreamAcks, type StreamMessage } from '../../src/events/stream-acks.ts';
import { STREAM } from '../../src/events/subjects.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';

const test = suite('stream acknowledgements', { timeoutMs: 60_000 });
const DATA = Buffer.from('{}');
const NO_HEADERS = Buffer.from('NATS/1.0\r\n\r\n');
let parts: TestParts;
let connection: EventConnection;
let acks: StreamAcks;

test.before(async () => {
  parts = await startParts({ nats: true });
  connection = await EventConnection.open({ url: parts.url('nats'), name: 'acks', logger: pino({ level: 'silent' }) });
  const { core } = connection;
  assert.ok(core);
  acks = new StreamAcks(core);
});
test.after(() => connection.close());
test.after(() => parts.stop());

async function stored(): Promise<number> {
  return (await connection.manager().streams.info(STREAM)).state.messages;
}

const message = (subject: string): StreamMessage => ({ subject, data: DATA, headers: NO_HEADERS });

function reasonOf(publishing: Promise<void>): Promise<string> {
  return publishing.then(
    () => 'acknowledged',
    (error: { reason: string }) => error.reason,
  );
}

test('G5: what was acknowledged is in the stream, each message once however often it is sent', async () => {
  const before = await stored();
  const messages = Array.from({ length: 1_000 }, (_none, index) => {
    const headers = Buffer.from(`NATS/1.0\r\nNats-Msg-Id: message-${index % 500}\r\n\r\n`);
    return { subject: 'studio.delta.applied.blob', data: DATA, headers };
  });
  await acks.publish(messages);
  assert.is((await stored()) - before, 500);
});

test('G5: what no stream takes is not acknowledged', async () => {
  assert.is(
    await reasonOf(acks.publish([message('studio.delta.applied.blob'), message('nobody.listens')])),
    'EVENTS_UNAVAILABLE',
  );
  // Somebody who is no stream answers: by a connection of its own, since one hears nothing of what it says itself.
  const logger = pino({ level: 'silent' });
  const somebody = await EventConnection.open({ url: parts.url('nats'), name: 'somebody', logger });
  let answers = 0;
  somebody.core?.subscribe('somebody.listens', {
    callback: (_error, message) => void (message.respond(Buffer.from('no ack')), (answers += 1)),
  });
  await somebody.core?.flush();
  const answered = acks.publish([message('somebody.listens')]);
  assert.is(await reasonOf(answered), 'EVENTS_UNAVAILABLE');
  assert.is(answers, 1);
  await somebody.close();
});

test('G7: what is not answered is given up, and later messages are acknowledged', async () => {
  await parts.kill('nats');
  const unanswered = acks.publish([message('studio.delta.applied.blob')]);
  assert.is(await reasonOf(unanswered), 'EVENTS_UNAVAILABLE');
  await parts.restart('nats');
  await eventually('it is connected again', () => connection.healthy);
  assert.is(await reasonOf(acks.publish([message('studio.delta.applied.blob')])), 'acknowledged');
});

/** The same server, which lets in nobody who does not know the token. */
function startRefusing(): { refusals: () => number; stop: () => Promise<void> } {
  const { port } = new URL(parts.url('nats'));
  const args = ['-a', '127.0.0.1', '-p', port, '--auth', 'token'];
  const server = spawn(parts.program('nats'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(server, 'exit');
  let said = '';
  server.stderr.on('data', (data: Buffer) => (said += data.toString()));
  return {
    refusals: () => said.split('authentication error').length - 1,
    stop: async () => {
      server.kill('SIGKILL');
      await exited;
    },
  };
}

test('G7: a server that refuses it again and again is tried on, until it lets it in', async () => {
  await parts.kill('nats');
  const refusing = startRefusing();
  try {
    await eventually('it is refused three times', () => refusing.refusals() >= 3);
    assert.not(connection.healthy);
  } finally {
    await refusing.stop();
  }
  await parts.restart('nats');
  await eventually('it is connected again', () => connection.healthy);
});

test.run();
