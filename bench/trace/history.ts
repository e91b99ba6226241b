/** Reading what the log holds: the head by a studio just started, and any version there was. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startHelper, untilCalm } from '../processes.ts';
import { median, milliseconds, percentile, type Verdict } from '../report.ts';
import type { Rig } from '../rig.ts';

const COLD_RATIO_MAX = 2;
const VERSION_MEDIAN_MS_MAX = 50;
const VERSION_WORST_MS_MAX = 250;
const COLD_TRIALS = 5;
const VERSIONS_READ = 200;
/** Of the warm-up, connections included. */
const EMPTY_READS = 20;

export interface Read {
  readonly rows: readonly (readonly string[])[];
  readonly verdicts: readonly Verdict[];
}

/** GetBlob by a process that has just started, less what GetBlob of an empty blob takes it; against bare Yjs. */
export async function readCold(rig: Rig, blobId: string, expected: string, snapshot: Uint8Array): Promise<Read> {
  const file = join(rig.dataDir, 'snapshot');
  await writeFile(file, snapshot);
  const coldMs: number[] = [];
  const bareMs: number[] = [];
  for (let trial = 0; trial < COLD_TRIALS; trial += 1) {
    const bare = await startHelper<number>('trace/cold-apply.ts', { env: { TRACE_SNAPSHOT: file } });
    await bare.exited;
    bareMs.push(bare.first);
    await rig.restart();
    const { blobs } = await rig.connect('bench');
    const { blob: empty } = await blobs.createBlob({ contentType: 'text/plain' });
    const emptyMs: number[] = [];
    for (let read = 0; read < EMPTY_READS; read += 1) {
      emptyMs.push(await timed(() => blobs.getBlob({ id: empty?.id ?? '' })));
    }
    let content = '';
    const wholeMs = await timed(async () => {
      const { blob } = await blobs.getBlob({ id: blobId });
      content = Buffer.from(blob?.content ?? []).toString();
    });
    if (content !== expected) throw new Error('The studio read something else than was written.');
    coldMs.push(wholeMs - median(emptyMs));
  }
  const ratio = median(coldMs) / median(bareMs);
  return {
    rows: [
      ['bare applyUpdate of the snapshot', milliseconds(median(bareMs)), milliseconds(Math.max(...bareMs)), ''],
      [
        'cold GetBlob of the head',
        milliseconds(median(coldMs)),
        milliseconds(Math.max(...coldMs)),
        `${ratio.toFixed(2)} ×`,
      ],
    ],
    verdicts: [
      {
        goal: `cold read of the head ≤ ${COLD_RATIO_MAX} × bare applyUpdate of its snapshot`,
        reached: ratio <= COLD_RATIO_MAX,
        measured: `${ratio.toFixed(2)} ×`,
      },
    ],
  };
}

export async function readVersions(rig: Rig, blobId: string, newest: number): Promise<Read> {
  const { blobs } = await rig.connect('bench');
  // So fast a load is ahead of its checkpoints; they are made when the blob is loaded again.
  await blobs.getBlob({ id: blobId });
  await untilCalm([rig.servePid, rig.part('mongodb').pid]);
  const latenciesMs: number[] = [];
  for (let read = 0; read < VERSIONS_READ; read += 1) {
    const version = 1 + Math.floor(Math.random() * newest);
    const ms = await timed(async () => {
      await blobs.getVersion({ blobId, point: { case: 'version', value: BigInt(version) } });
    });
    latenciesMs.push(ms);
  }
  const [middle, worst] = [median(latenciesMs), Math.max(...latenciesMs)];
  return {
    rows: [
      [
        `GetVersion, ${VERSIONS_READ} at random`,
        milliseconds(middle),
        milliseconds(worst),
        `p99 ${milliseconds(percentile(latenciesMs, 0.99))}`,
      ],
    ],
    verdicts: [
      {
        goal: `any version: median ≤ ${VERSION_MEDIAN_MS_MAX} ms, worst ≤ ${VERSION_WORST_MS_MAX} ms`,
        reached: middle <= VERSION_MEDIAN_MS_MAX && worst <= VERSION_WORST_MS_MAX,
        measured: `${milliseconds(middle)}, ${milliseconds(worst)}`,
      },
    ],
  };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}
