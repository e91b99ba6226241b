/**
 * A process that answers and does nothing else, by @grpc/grpc-js; with BARE_MONGODB_URL, `insert` first puts one commit
 * into that database. Sends its port.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { BareCommits, KEYSTROKE, KEYSTROKE_BYTES } from './bare-commits.ts';

/** About what ApplyDelta answers. */
const ANSWER = Buffer.alloc(400, 1);
const asIs = (bytes: Buffer): Buffer => bytes;
const method = {
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;
type Answer = (error: Error | null, bytes?: Buffer) => void;

const url = process.env['BARE_MONGODB_URL'];
const commits = url === undefined ? undefined : await BareCommits.open(url, KEYSTROKE);
const server = new Server();
server.addService(
  { echo: { path: '/bench.Bare/Echo', ...method }, insert: { path: '/bench.Bare/Insert', ...method } },
  {
    echo: (_call: unknown, answer: Answer) => answer(null, ANSWER),
    insert: (_call: unknown, answer: Answer) => {
      if (!commits) answer(new Error('There is no database.'));
      else commits.insert([['bare', [randomBytes(KEYSTROKE_BYTES)]]]).then(() => answer(null, ANSWER), answer);
    },
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.(port);
});
process.once('disconnect', () => process.exit());
