import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { MongoNetworkError } from 'mongodb';
import * as assert from 'uvu/assert';
import { isDatabaseError } from '../../../src/storage/database-error.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('database errors');

test('what the driver says, and what its sockets say', async () => {
  assert.ok(isDatabaseError(new MongoNetworkError('connection closed')));
  const server = createServer((socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const ended = once(socket, 'end');
  socket.resume();
  await ended;
  const failed = new Promise<Error>((resolve) => socket.once('error', resolve));
  socket.write('too late');
  const error = await failed;
  assert.ok(isDatabaseError(error), error.message);
  server.close();
});

test('what is wrong with the data is not among them', () => {
  assert.not(isDatabaseError(new Error('Unexpected end of array')));
  assert.not(isDatabaseError(new RangeError('The value of "offset" is out of range.')));
  assert.not(isDatabaseError('EPIPE'));
  const outOfRange = captured(() => Buffer.alloc(8).readInt32LE(100));
  assert.is((outOfRange as { code?: string }).code, 'ERR_OUT_OF_RANGE');
  assert.not(isDatabaseError(outOfRange));
});

function captured(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

test.run();
