/** Acknowledged deltas over gRPC, against bare inserts into the same database, taking turns. */
import { MongoClient } from 'mongodb';
import { OffsetEncoding, type StudioClient } from '../clients/node/src/index.ts';
import { CONTRACT_REQUEST } from './bare-contract.ts';
import { BareCommits, KEYSTROKE } from './bare-commits.ts';
import { bareCalls, bareStreams, inserts, manyCommits, BARE_BLOBS, CONNECTIONS_MAX } from './bare-scenarios.ts';
import { DeltaStream } from './delta-stream.ts';
import { startHelper } from './processes.ts';
import { median, milliseconds, percentile, perSecond, print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';
import { takeTurn, type Scenario } from './scenario.ts';

const SINGLE_WRITER_RATIO_MAX = 2.5;
const MANY_WRITERS_RATIO_MIN = 3;
/** How long each scenario runs in each round. */
const TURN_MS = 2_500;
/** Measured but not counted: a call's whole way is compiled only after some ten thousand of them. */
const WARM_UP_MS = 6_000;
const STREAMS = 100;
/** About what ApplyDelta is asked with. */
const ECHO_BYTES = 100;

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
    const echoBody = Buffer.alloc(ECHO_BYTES, 1);
    const contractBody = Buffer.from(CONTRACT_REQUEST);
    const echo1 = bareCalls('bare gRPC echo', bare.first, 'Echo', 1, echoBody);
    const echo100 = bareCalls('bare gRPC echo', bare.first, 'Echo', 100, echoBody);
    const bareCall = bareCalls('bare gRPC insert', bare.first, 'Insert', 1, echoBody);
    const contractCall = bareCalls("and in ApplyDeltas's messages, told of", told.first, 'Apply', 1, contractBody);
    const onlyStored = bareStreams('bare gRPC insert', bare.first, 'Stream', STREAMS, echoBody);
    const andTold = bareStreams('the same, told of on NATS', told.first, 'Stream', STREAMS, echoBody);
    const contract = bareStreams("and in ApplyDeltas's messages", told.first, 'Contract', STREAMS, contractBody);
    const bareCommits = manyCommits(commits);
    const calling = [insert1, insert10, echo1, echo100, bareCall, contractCall];
    const streaming = [onlyStored, andTold, contract, bareCommits];
    const scenarios = [...calling, ...streaming, ...one, ...many, streams];
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
      contractCall,
      onlyStored,
      andTold,
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
  readonly contractCall: Scenario;
  readonly onlyStored: Scenario;
  readonly andTold: Scenario;
  readonly contract: Scenario;
  readonly bareCommits: Scenario;
  readonly writer1: Scenario | undefined;
  readonly writers100: Scenario | undefined;
}): Verdict[] {
  const { insert1, insert10, bareCall, contractCall, writer1 } = scenarios;
  const { onlyStored, andTold, contract, bareCommits, writers100 } = scenarios;
  const slowdown = (scenario: Scenario | undefined): number =>
    median(scenario?.latenciesMs ?? []) / median(insert1.latenciesMs);
  const gain = (scenario: Scenario | undefined): number =>
    median(scenario?.ratesPerSecond ?? []) / median(insert10.ratesPerSecond);
  return [
    {
      goal: `one writer: median ≤ ${SINGLE_WRITER_RATIO_MAX} × one journaled insert`,
      reached: slowdown(writer1) <= SINGLE_WRITER_RATIO_MAX,
      measured: `${slowdown(writer1).toFixed(2)} × (a gRPC server that only inserts: ${slowdown(bareCall).toFixed(2)} ×, and reads and answers as the contract has it: ${slowdown(contractCall).toFixed(2)} ×)`,
    },
    {
      goal: `100 writers on 100 blobs, by ApplyDeltas: deltas/s ≥ ${MANY_WRITERS_RATIO_MIN} × single inserts/s with 10 in flight`,
      reached: gain(writers100) >= MANY_WRITERS_RATIO_MIN,
      measured:
        `${gain(writers100).toFixed(2)} × (a gRPC server of streams that only inserts: ${gain(onlyStored).toFixed(2)} ×, and tells of it: ${gain(andTold).toFixed(2)} ×, and reads and answers as the contract has it: ${gain(contract).toFixed(2)} ×; ` +
        `inserts of ${BARE_BLOBS} commits without a server: ${gain(bareCommits).toFixed(2)} ×)`,
    },
  ];
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
