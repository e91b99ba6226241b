/**
 * A process that answers and does nothing else, by @grpc/grpc-js; with BARE_MONGODB_URL, `insert` first puts one commit
 * into that database, and `stream` one for each message, in one insert with those of other streams; with BARE_NATS_URL
 * that is told of; `apply` does as `insert`, and `contract` as `stream`, with messages as ApplyDeltas has them. Sends its
 * port.
 */
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { BareContract } from './bare-contract.ts';
import { BareEvents } from './bare-events.ts';
import { BareCommits, INSERTS_IN_FLIGHT, KEYSTROKE, KEYSTROKE_BYTES } from './bare-commits.ts';

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
const natsUrl = process.env['BARE_NATS_URL'];
const events = natsUrl === undefined ? undefined : await BareEvents.open(natsUrl);
const commits = url === undefined ? undefined : await BareCommits.open(url, KEYSTROKE);
type Stream = ServerDuplexStream<Buffer, Buffer>;
interface Waiting {
  readonly stream: Stream;
  readonly blobId: string;
  readonly update: Uint8Array;
  readonly contract: BareContract | undefined;
}
/** Streams that wait for an insert, with the blob that each writes. */
let waiting: Waiting[] = [];
let inFlight = 0;
let streams = 0;

async function commit(log: BareCommits): Promise<void> {
  // With all that this turn of the event loop brings.
  await new Promise((resolve) => setImmediate(resolve));
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    await log.insert(batch.map(({ blobId, update }) => [blobId, [update]]));
    for (const { stream, blobId, contract } of batch) {
      stream.write(contract?.answer() ?? ANSWER);
      events?.tell(blobId, 1);
    }
  }
  inFlight -= 1;
}

function serve(stream: Stream, contract: BareContract | undefined): void {
  const blobId = `bare-stream-${process.pid}-${(streams += 1)}`;
  stream.on('data', (bytes: Buffer) => {
    const update = contract?.apply(bytes) ?? randomBytes(KEYSTROKE_BYTES);
    waiting.push({ stream, blobId, update, contract });
    if (!commits || inFlight >= INSERTS_IN_FLIGHT) return;
    inFlight += 1;
    commit(commits).catch((error: unknown) => stream.destroy(error as Error));
  });
  stream.on('end', () => stream.end());
}

async function insertOne(update: Uint8Array): Promise<void> {
  if (!commits) throw new Error('There is no database.');
  await commits.insert([['bare', [update]]]);
  events?.tell('bare', 1);
}

const applied = new BareContract();
const server = new Server();
server.addService(
  {
    echo: { path: '/bench.Bare/Echo', ...method },
    insert: { path: '/bench.Bare/Insert', ...method },
    apply: { path: '/bench.Bare/Apply', ...method },
    stream: { path: '/bench.Bare/Stream', ...method, requestStream: true, responseStream: true },
    contract: { path: '/bench.Bare/Contract', ...method, requestStream: true, responseStream: true },
  },
  {
    echo: (_call: unknown, answer: Answer) => answer(null, ANSWER),
    insert: (_call: unknown, answer: Answer) => {
      insertOne(randomBytes(KEYSTROKE_BYTES)).then(() => answer(null, ANSWER), answer);
    },
    apply: ({ request }: { request: Buffer }, answer: Answer) => {
      insertOne(applied.apply(request)).then(() => answer(null, applied.answer()), answer);
    },
    stream: (stream: Stream) => serve(stream, undefined),
    contract: (stream: Stream) => serve(stream, new BareContract()),
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.(port);
});
process.once('disconnect', () => process.exit());
