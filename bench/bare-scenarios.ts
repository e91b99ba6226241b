/** What deltas are measured against: bare inserts, and bare servers that do some of what the studio does. */
import { randomBytes } from 'node:crypto';
import { Client, credentials } from '@grpc/grpc-js';
import type { Collection } from 'mongodb';
import { KEYSTROKE_BYTES, type BareCommit, type BareCommits } from './bare-commits.ts';
import type { Scenario } from './scenario.ts';

/** Clients of one server, each with a connection of its own. */
export const CONNECTIONS_MAX = 4;
/** About what one keystroke's commit takes in the log. */
const INSERT_BYTES = 600;
/** Blobs of the inserts of many commits at once. */
export const BARE_BLOBS = 100;

export function inserts(collection: Collection, inFlight: number): Scenario {
  const body = randomBytes(INSERT_BYTES);
  return {
    name: `bare insert, ${inFlight} in flight`,
    writers: inFlight,
    write: async () => {
      await collection.insertOne({ body });
    },
    latenciesMs: [],
    ratesPerSecond: [],
  };
}

/** Two in flight. */
export function manyCommits(commits: BareCommits): Scenario {
  return {
    name: `bare inserts of ${BARE_BLOBS} commits, 2 in flight`,
    writers: 2,
    write: (writer) =>
      commits.insert(
        Array.from({ length: BARE_BLOBS }, (_none, blob): BareCommit => {
          return [`bare-${writer}-${blob}`, [randomBytes(KEYSTROKE_BYTES)]];
        }),
      ),
    deltas: BARE_BLOBS,
    latenciesMs: [],
    ratesPerSecond: [],
  };
}

/** A server that does nothing else: no delta over gRPC can be faster than this. */
export function bareCalls(
  name: string,
  port: number,
  method: 'Echo' | 'Insert' | 'Apply',
  inFlight: number,
  body: Buffer,
): Scenario {
  const clients = bareClients(port, Math.min(inFlight, CONNECTIONS_MAX));
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    name: `${name}, ${inFlight} in flight`,
    writers: inFlight,
    write: (writer) =>
      new Promise((resolve, reject) => {
        const client = clients[writer % clients.length];
        client?.makeUnaryRequest(`/bench.Bare/${method}`, asIs, asIs, body, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    latenciesMs: [],
    ratesPerSecond: [],
  };
}

/** A server that does little beside inserting, asked by streams: no delta by a stream can be faster than this. */
export function bareStreams(
  name: string,
  port: number,
  method: 'Stream' | 'Contract',
  writers: number,
  body: Buffer,
): Scenario {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const clients = bareClients(port, CONNECTIONS_MAX);
  const streams = Array.from({ length: writers }, (_none, index) => {
    const stream = clients[index % clients.length]?.makeBidiStreamRequest(`/bench.Bare/${method}`, asIs, asIs);
    // The server ends without ceremony when all is measured.
    stream?.on('error', () => {});
    return stream;
  });
  return {
    name: `${name}, ${writers} streams`,
    writers,
    write: (writer) =>
      new Promise((resolve, reject) => {
        const stream = streams[writer];
        stream?.once('error', reject);
        stream?.once('data', () => {
          stream.off('error', reject);
          resolve();
        });
        stream?.write(body);
      }),
    latenciesMs: [],
    ratesPerSecond: [],
  };
}

function bareClients(port: number, count: number): Client[] {
  return Array.from(
    { length: count },
    () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
}
