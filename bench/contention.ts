/** One blob, three studio processes, thirty writers: everyone gets through, and nothing is lost or counted twice. */
import { OffsetEncoding, type StudioClient } from '../clients/node/src/index.ts';
import { median, milliseconds, percentile, perSecond, print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';

const SERVES = 3;
const WRITERS = 30;
const SHARE_MIN = 0.2;
/** How far the slowest hundredth may lie above the median. */
const P99_OVER_MEDIAN_MS_MAX = 200;
const WARM_UP_MS = 2_000;
const TURN_MS = 8_000;
const PAGE_DELTAS = 500;

interface Acknowledged {
  readonly serve: number;
  readonly version: number;
  readonly deltaId: string;
  readonly tookMs: number;
}

export async function benchContention(options: BenchOptions): Promise<Verdict[]> {
  print(`\nContention: ${WRITERS} writers through ${SERVES} studio processes on one blob`);
  const rig = await startRig({ worker: false, serves: SERVES });
  try {
    const writers = await Promise.all(
      Array.from({ length: WRITERS }, async (_none, writer) => ({
        serve: writer % SERVES,
        client: await rig.connect('bench', writer % SERVES),
      })),
    );
    const { blob } = await (await rig.connect('bench')).blobs.createBlob({ contentType: 'text/plain' });
    const blobId = blob?.id ?? '';
    const warmUp = await write(writers, blobId, WARM_UP_MS * options.scale);
    const rounds: Acknowledged[][] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      rounds.push(await write(writers, blobId, TURN_MS * options.scale));
    }
    const counted = rounds.flat();
    printRows(rounds, (TURN_MS * options.scale) / 1_000);
    return judge(counted, await findings(rig, blobId, [...warmUp, ...counted]));
  } finally {
    await rig.stop();
  }
}

/** Each writer does one insertion after the other until the time is up. */
async function write(
  writers: readonly { readonly serve: number; readonly client: StudioClient }[],
  blobId: string,
  durationMs: number,
): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  const started = performance.now();
  await Promise.all(
    writers.map(async ({ serve, client }) => {
      while (performance.now() - started < durationMs) {
        const sent = performance.now();
        const { delta } = await client.deltas.applyDelta({
          blobId,
          patch: {
            case: 'textEdits',
            value: { encoding: OffsetEncoding.CODE_POINTS, edits: [{ offset: 0, insert: 'x' }] },
          },
        });
        const tookMs = performance.now() - sent;
        acknowledged.push({ serve, version: Number(delta?.toVersion), deltaId: delta?.id ?? '', tookMs });
      }
    }),
  );
  return acknowledged;
}

/** What is wrong with the log, or between it and what was acknowledged or can be read. */
async function findings(rig: Rig, blobId: string, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  const found: string[] = [];
  const client = await rig.connect('bench');
  const ids = new Map<number, string>();
  let next = 1;
  for (let pageToken = ''; ;) {
    const page = await client.deltas.listDeltas({ blobId, pageSize: PAGE_DELTAS, pageToken });
    for (const delta of page.deltas) {
      if (Number(delta.toVersion) !== next) found.push(`after ${next - 1} comes ${delta.toVersion}`);
      next = Number(delta.toVersion) + 1;
      ids.set(Number(delta.toVersion), delta.id);
    }
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  const lost = acknowledged.filter(({ version, deltaId }) => ids.get(version) !== deltaId);
  if (lost.length > 0) found.push(`${lost.length} acknowledged deltas are not in the log`);
  const repeated = acknowledged.length - new Set(acknowledged.map(({ version }) => version)).size;
  if (repeated > 0) found.push(`${repeated} versions were given twice`);
  if (ids.size !== acknowledged.length + 1) found.push(`${ids.size} deltas of ${acknowledged.length} and a creation`);
  for (let serve = 0; serve < SERVES; serve += 1) {
    const { blob } = await (await rig.connect('bench', serve)).blobs.getBlob({ id: blobId });
    const length = blob?.content.byteLength ?? 0;
    if (length !== acknowledged.length) found.push(`process ${serve + 1} reads ${length} of ${acknowledged.length}`);
  }
  return found;
}

function printRows(rounds: readonly (readonly Acknowledged[])[], seconds: number): void {
  const counted = rounds.flat();
  const rows = [...Array.from({ length: SERVES }, (_none, serve) => serve), undefined].map((serve) => {
    const own = counted.filter((one) => serve === undefined || one.serve === serve);
    const tookMs = own.map((one) => one.tookMs);
    return [
      serve === undefined ? 'all' : `process ${serve + 1}`,
      milliseconds(median(tookMs)),
      milliseconds(percentile(tookMs, 0.99)),
      perSecond(own.length / seconds / rounds.length),
      percent(own.length / counted.length),
      percent(commitShare(counted, serve)),
    ];
  });
  printTable([['', 'median', 'p99', 'deltas', 'of the deltas', 'of the commits'], ...rows]);
  print(`  deltas in a commit: ${(counted.length / commitsOf(counted)).toFixed(1)}`);
}

function commitShare(counted: readonly Acknowledged[], serve: number | undefined): number {
  return commitsOf(counted.filter((one) => serve === undefined || one.serve === serve)) / commitsOf(counted);
}

/** Several deltas share a commit; its id is theirs without the ordinal. */
function commitsOf(acknowledged: readonly Acknowledged[]): number {
  return new Set(acknowledged.map(({ deltaId }) => deltaId.slice(0, deltaId.lastIndexOf('-')))).size;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function judge(counted: readonly Acknowledged[], found: readonly string[]): Verdict[] {
  const tookMs = counted.map((one) => one.tookMs);
  const over = percentile(tookMs, 0.99) - median(tookMs);
  const shares = Array.from({ length: SERVES }, (_none, serve) => commitShare(counted, serve));
  return [
    {
      goal: `${WRITERS} writers, one blob, ${SERVES} processes: no gap, no repeat, nothing lost`,
      reached: found.length === 0,
      measured: found.length === 0 ? `${counted.length} deltas in order` : found.join('; '),
    },
    {
      goal: `each process gets at least ${SHARE_MIN * 100} % of the commits`,
      reached: Math.min(...shares) >= SHARE_MIN,
      measured: shares.map(percent).join(', '),
    },
    {
      goal: `contention: p99 ≤ median + ${P99_OVER_MEDIAN_MS_MAX} ms`,
      reached: over <= P99_OVER_MEDIAN_MS_MAX,
      measured: `${milliseconds(median(tookMs))} + ${milliseconds(over)}`,
    },
  ];
}
