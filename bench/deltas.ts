/** Acknowledged deltas over gRPC, against bare inserts into the same database, taking turns. */
import { randomBytes } from 'node:crypto';
import { Client, credentials } from '@grpc/grpc-js';
import { MongoClient, type Collection } from 'mongodb';
import { OffsetEncoding, type StudioClient } from '../clients/node/src/index.ts';
import { CONTRACT_REQUEST } from './bare-contract.ts';
import { BareCommits, KEYSTROKE, KEYSTROKE_BYTES, type BareCommit } from './bare-commits.ts';
import { DeltaStream } from './delta-stream.ts';
import { startHelper } from './processes.ts';
import { median, milliseconds, percentile, perSecond, print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';

const SINGLE_WRITER_RATIO_MAX = 2.5;
const MANY_WRITERS_RATIO_MIN = 3;
/** How long each scenario runs in each round. */
const TURN_MS = 2_500;
/** Measured but not counted: a call's whole way is compiled only after some ten thousand of them. */
const WARM_UP_MS = 6_000;
const CONNECTIONS_MAX = 4;
const STREAMS = 100;
/** About what one keystroke's commit takes in the log. */
const INSERT_BYTES = 600;
/** Blobs of the bare inserts of many commits at once. */
const BARE_BLOBS = 100;
/** About what ApplyDelta is asked with. */
const ECHO_BYTES = 100;

interface Scenario {
  readonly name: string;
  readonly writers: number;
  /** One operation of this writer, acknowledged. */
  readonly write: (writer: number) => Promise<void>;
  /** Deltas in one operation. Default 1. */
  readonly deltas?: number;
  readonly latenciesMs: number[];
  readonly ratesPerSecond: number[];
}

export async function benchDeltas(options: BenchOptions): Promise<Verdict[]> {
  print('\nDeltas: acknowledged ApplyDelta over gRPC, against bare journaled inserts');
  const rig = await startRig({ worker: false });
  const env = { BARE_MONGODB_URL: rig.part('mongodb').url };
  const bare = await startHelper<number>('./bare-grpc.ts', { env });
  const told = await startHelper<number>('./bare-grpc.ts', { env: { ...env, BARE_NATS_URL: rig.part('nats').url } });
  const commits = await BareCommits.open(rig.part('mongodb').url, KEYSTROKE);
  const mongo = new MongoClient(rig.part('mongodb').url, { writeConcern: { w: 'majority', journal: true } });
  try {
    await mongo.connect();
    const collection = mongo.db('bench').collection('inserts');
    const insert1 = inserts(collection, 1);
    const insert10 = inserts(collection, 10);
    const one = await Promise.all([1, 10, 100].map((writers) => deltas(rig, writers, 'one')));
    const many = await Promise.all([1, 10, 100].map((writers) => deltas(rig, writers, 'many')));
    const streams = await deltaStreams(rig, STREAMS);
    const bareCall = calls(bare.first, 'Insert', 1);
    const echo1 = calls(bare.first, 'Echo', 1);
    const echo100 = calls(bare.first, 'Echo', 100);
    const echoBody = Buffer.alloc(ECHO_BYTES, 1);
    const bareStreams = bareStreamsOf('bare gRPC insert', bare.first, 'Stream', echoBody);
    const toldStreams = bareStreamsOf('the same, told of on NATS', told.first, 'Stream', echoBody);
    const contract = bareStreamsOf(
      "and in ApplyDeltas's messages",
      told.first,
      'Contract',
      Buffer.from(CONTRACT_REQUEST),
    );
    const bareCommits = manyCommits(commits);
    const limits = [insert1, insert10, echo1, echo100, bareCall, bareStreams, toldStreams, contract, bareCommits];
    const scenarios = [...limits, ...one, ...many, streams];
    for (const scenario of scenarios) await takeTurn(scenario, WARM_UP_MS * options.scale, false);
    for (let round = 0; round < options.rounds; round += 1) {
      for (const scenario of scenarios) await takeTurn(scenario, TURN_MS * options.scale, true);
    }
    printTable([
      ['', 'median', 'p99', 'rate', 'worst round', 'best round'],
      ...scenarios.map(({ name, latenciesMs, ratesPerSecond }) => [
        name,
        milliseconds(median(latenciesMs)),
        milliseconds(percentile(latenciesMs, 0.99)),
        perSecond(median(ratesPerSecond)),
        perSecond(Math.min(...ratesPerSecond)),
        perSecond(Math.max(...ratesPerSecond)),
      ]),
    ]);
    return judge({
      insert1,
      insert10,
      bareCall,
      bareStreams,
      toldStreams,
      contract,
      bareCommits,
      writer1: many[0],
      writers100: streams,
    });
  } finally {
    await Promise.all([mongo.close(), commits.close(), bare.kill(), told.kill()]);
    await rig.stop();
  }
}

function judge(scenarios: {
  readonly insert1: Scenario;
  readonly insert10: Scenario;
  readonly bareCall: Scenario;
  readonly bareStreams: Scenario;
  readonly toldStreams: Scenario;
  readonly contract: Scenario;
  readonly bareCommits: Scenario;
  readonly writer1: Scenario | undefined;
  readonly writers100: Scenario | undefined;
}): Verdict[] {
  const { insert1, insert10, bareCall, bareStreams, toldStreams, contract, bareCommits, writer1, writers100 } =
    scenarios;
  const slowdown = (scenario: Scenario | undefined): number =>
    median(scenario?.latenciesMs ?? []) / median(insert1.latenciesMs);
  const gain = (scenario: Scenario | undefined): number =>
    median(scenario?.ratesPerSecond ?? []) / median(insert10.ratesPerSecond);
  return [
    {
      goal: `one writer: median ≤ ${SINGLE_WRITER_RATIO_MAX} × one journaled insert`,
      reached: slowdown(writer1) <= SINGLE_WRITER_RATIO_MAX,
      measured: `${slowdown(writer1).toFixed(2)} × (a gRPC server that only inserts: ${slowdown(bareCall).toFixed(2)} ×)`,
    },
    {
      goal: `100 writers on 100 blobs, by ApplyDeltas: deltas/s ≥ ${MANY_WRITERS_RATIO_MIN} × single inserts/s with 10 in flight`,
      reached: gain(writers100) >= MANY_WRITERS_RATIO_MIN,
      measured:
        `${gain(writers100).toFixed(2)} × (a gRPC server of streams that only inserts: ${gain(bareStreams).toFixed(2)} ×, and tells of it: ${gain(toldStreams).toFixed(2)} ×, and reads and answers as the contract has it: ${gain(contract).toFixed(2)} ×; ` +
        `inserts of ${BARE_BLOBS} commits without a server: ${gain(bareCommits).toFixed(2)} ×)`,
    },
  ];
}

function inserts(collection: Collection, inFlight: number): Scenario {
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

/** Two in flight, as the committer has. */
function manyCommits(commits: BareCommits): Scenario {
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
function calls(port: number, method: 'Echo' | 'Insert', inFlight: number): Scenario {
  const clients = bareClients(port, Math.min(inFlight, CONNECTIONS_MAX));
  const body = Buffer.alloc(ECHO_BYTES, 1);
  const asIs = (bytes: Buffer): Buffer => bytes;
  return {
    name: `bare gRPC ${method.toLowerCase()}, ${inFlight} in flight`,
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
function bareStreamsOf(name: string, port: number, method: 'Stream' | 'Contract', body: Buffer): Scenario {
  const writers = STREAMS;
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

/** As `deltas` on a blob for each writer, but each has a stream of changes in place of calls. */
async function deltaStreams(rig: Rig, writers: number): Promise<Scenario> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, () => rig.connect('bench-streams')));
  const made = await Promise.all(
    Array.from({ length: writers }, async (_none, index) => {
      const client = clients[index % clients.length];
      if (!client) throw new Error('There is no client.');
      const { blob } = await client.blobs.createBlob({ contentType: 'text/plain' });
      return { blobId: blob?.id ?? '', stream: new DeltaStream(client), typed: 0 };
    }),
  );
  return {
    name: `${writers} writers, ${writers} blobs, streams`,
    writers,
    write: async (writer) => {
      const own = made[writer];
      if (!own) throw new Error('There is no such writer.');
      const edits = [{ offset: own.typed, insert: 'x' }];
      const value = { encoding: OffsetEncoding.CODE_POINTS, edits };
      await own.stream.apply({ blobId: own.blobId, patch: { case: 'textEdits', value } });
      own.typed += 1;
    },
    latenciesMs: [],
    ratesPerSecond: [],
  };
}

async function deltas(rig: Rig, writers: number, blobs: 'one' | 'many'): Promise<Scenario> {
  const user = `bench-${blobs}-${writers}`;
  const connections = Math.min(writers, CONNECTIONS_MAX);
  const clients = await Promise.all(Array.from({ length: connections }, () => rig.connect(user)));
  const clientOf = (writer: number): StudioClient => {
    const client = clients[writer % clients.length];
    if (!client) throw new Error('There is no client.');
    return client;
  };
  const ids = await Promise.all(
    Array.from({ length: blobs === 'one' ? 1 : writers }, async (_none, index) => {
      const { blob } = await clientOf(index).blobs.createBlob({ contentType: 'text/plain' });
      return blob?.id ?? '';
    }),
  );
  const typed = ids.map(() => 0);
  return {
    name: `${writers} ${writers === 1 ? 'writer' : 'writers'}, ${blobs === 'one' ? 'one blob' : `${writers} ${writers === 1 ? 'blob' : 'blobs'}`}`,
    writers,
    write: async (writer) => {
      const blob = writer % ids.length;
      // Alone on its blob a writer types on at the end; several type where the text is sure to be long enough.
      const offset = blobs === 'many' ? (typed[blob] ?? 0) : 0;
      await clientOf(writer).deltas.applyDelta({
        blobId: ids[blob] ?? '',
        patch: {
          case: 'textEdits',
          value: { encoding: OffsetEncoding.CODE_POINTS, edits: [{ offset, insert: 'x' }] },
        },
      });
      typed[blob] = (typed[blob] ?? 0) + 1;
    },
    latenciesMs: [],
    ratesPerSecond: [],
  };
}

/** Each writer does one operation after the other until the time is up. */
async function takeTurn(scenario: Scenario, durationMs: number, counts: boolean): Promise<void> {
  const started = performance.now();
  let done = 0;
  const write = async (writer: number): Promise<void> => {
    while (performance.now() - started < durationMs) {
      const sent = performance.now();
      await scenario.write(writer);
      if (counts) scenario.latenciesMs.push(performance.now() - sent);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: scenario.writers }, (_none, writer) => write(writer)));
  if (counts) scenario.ratesPerSecond.push((done * (scenario.deltas ?? 1) * 1000) / (performance.now() - started));
}
