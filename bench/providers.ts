/** From a blob's update to its derived blob, against the least that Temporal can do, taking turns. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { EventType, OffsetEncoding, ProviderType, TriggerEvent, type StudioClient } from '../clients/node/src/index.ts';
import { median, milliseconds, percentile, print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';

const QUEUE = 'bench';
const PER_ROUND = 25;
const WARM_UP = 10;
/** Between two updates, so that none waits for what the one before started. */
const PAUSE_MS = 150;
const DERIVED_MS_MAX = 30_000;

export async function benchProviders(options: BenchOptions): Promise<Verdict[]> {
  print('\nProviders: a blob updated → its derived blob made from that version, against a bare Temporal workflow');
  const rig = await startRig({ worker: true });
  const bare = await startBare(rig).catch(async (error: unknown) => {
    await rig.stop();
    throw error;
  });
  try {
    const client = await rig.connect('bench');
    const derive = await startDerivation(client);
    const perRound = Math.max(1, Math.round(PER_ROUND * options.scale));
    await repeat(WARM_UP, bare.run);
    await repeat(WARM_UP, derive);
    const bareMs: number[] = [];
    const deriveMs: number[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      bareMs.push(...(await repeat(perRound, bare.run)));
      deriveMs.push(...(await repeat(perRound, derive)));
    }
    printTable([
      ['', 'median', 'p99', 'best', 'worst'],
      ...(
        [
          ['bare workflow, one local activity', bareMs],
          ['update to derived blob', deriveMs],
        ] as const
      ).map(([name, values]) => [
        name,
        milliseconds(median(values)),
        milliseconds(percentile(values, 0.99)),
        milliseconds(Math.min(...values)),
        milliseconds(Math.max(...values)),
      ]),
    ]);
    print(`  ratio of the medians: ${(median(deriveMs) / median(bareMs)).toFixed(2)}`);
    return [];
  } finally {
    await bare.stop();
    await rig.stop();
  }
}

async function repeat(times: number, run: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let time = 0; time < times; time += 1) {
    values.push(await run());
    await sleep(PAUSE_MS);
  }
  return values;
}

async function startBare(rig: Rig): Promise<{ run: () => Promise<number>; stop: () => Promise<void> }> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { url: address } = rig.part('temporal');
  const nativeConnection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: nativeConnection,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
    activities: { transform: (text: string) => Promise.resolve(`Expanded:\n${text}`) },
  });
  const running = worker.run();
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection });
  return {
    run: async () => {
      const started = performance.now();
      await workflow.execute('bare', { taskQueue: QUEUE, workflowId: `bench-${randomUUID()}`, args: ['A text.'] });
      return performance.now() - started;
    },
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
      await nativeConnection.close();
    },
  };
}

/** How long from sending an update until its derived blob was announced, made from that very version. */
async function startDerivation(client: StudioClient): Promise<() => Promise<number>> {
  await client.providers.registerProvider({
    id: 'bench-expander',
    name: 'Bench',
    type: ProviderType.BUILTIN,
    workflowId: 'expander',
    triggerEvents: [TriggerEvent.BLOB_CREATED, TriggerEvent.BLOB_UPDATED],
  });
  const { blob } = await client.blobs.createBlob({ contentType: 'text/plain', content: Buffer.from('A text.') });
  const blobId = blob?.id ?? '';
  const derivedId = await findDerived(client, blobId);
  let announced: (version: number) => void = () => {};
  void (async () => {
    const types = [EventType.DELTA_APPLIED];
    for await (const { event } of client.events.watchEvents({ blobId: derivedId, types }))
      announced(Number(event?.version));
    // It ends with the studio.
  })().catch(() => {});
  return async () => {
    const started = performance.now();
    let version = 0;
    const made = new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('No derived blob in time.')), DERIVED_MS_MAX);
      announced = () => {
        const at = performance.now();
        const finish = async (): Promise<void> => {
          if (version === 0 || (await inputVersion(client, derivedId, blobId)) < version) return;
          clearTimeout(late);
          resolve(at - started);
        };
        void finish().catch(reject);
      };
    });
    const { delta } = await client.deltas.applyDelta({
      blobId,
      patch: {
        case: 'textEdits',
        value: { encoding: OffsetEncoding.CODE_POINTS, edits: [{ offset: 0, insert: 'x' }] },
      },
    });
    version = Number(delta?.toVersion);
    return made;
  };
}

async function findDerived(client: StudioClient, blobId: string): Promise<string> {
  const deadline = performance.now() + DERIVED_MS_MAX;
  while (performance.now() < deadline) {
    const { blobs } = await client.dag.listChildren({ blobId });
    if (blobs[0]) return blobs[0].id;
    await sleep(50);
  }
  throw new Error('The provider derived nothing.');
}

async function inputVersion(client: StudioClient, derivedId: string, blobId: string): Promise<number> {
  const { blob } = await client.blobs.getBlob({ id: derivedId });
  return Number(blob?.derivedFrom?.inputs.find((input) => input.blobId === blobId)?.version ?? 0n);
}
