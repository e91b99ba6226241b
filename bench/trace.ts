/** A paper of 259,778 keystrokes: how fast it is taken in, how it is read back, and what it takes to keep. */
import { join } from 'node:path';
import { startHelper, type Helper } from './processes.ts';
import { median, perSecond, print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';
import { makeEdits, type Edits } from './trace/edits.ts';
import { feed } from './trace/feed.ts';
import { readCold, readVersions } from './trace/history.ts';
import { compareClientIds, compareEnds, newText, openEditor } from './trace/lengths.ts';
import { folderBytes, logSize } from './trace/log-size.ts';
import { Y_WEBSOCKET } from './wire/dialect.ts';
import { LightEditor } from './wire/light-editor.ts';

const RATE_SHARE_MIN = 0.5;
const MEMORY_RATIO_MAX = 1.3;
/** Not counted: compilation. */
const WARM_UP_EDITS = 5_000;
/** Edits at each end whose commits are compared. */
const ENDS = 1_000;
/** The whole trace is fed so often to each at the most. */
const ROUNDS_MAX = 2;

interface Fed {
  readonly blobId: string;
  readonly editor: LightEditor;
}

export async function benchTrace(options: BenchOptions): Promise<Verdict[]> {
  const edits = makeEdits(options.scale);
  const fed = edits.updates.slice(0, -ENDS);
  print(`\nTrace: ${edits.updates.length.toLocaleString('en-US')} keystrokes of one paper, each a delta of its own`);
  const rig = await startRig({ worker: false });
  const bare = await startHelper<number>('bare-yjs.ts');
  const env = { BARE_MONGODB_URL: rig.part('mongodb').url };
  const durable = await startHelper<number>('bare-yjs.ts', { env });
  const told = await startHelper<number>('bare-yjs.ts', { env: { ...env, BARE_NATS_URL: rig.part('nats').url } });
  const bareServers = [bare, durable, told];
  const verdicts: Verdict[] = [];
  try {
    const disk = join(rig.dataDir, 'mongodb');
    await takeIn(rig, bareServers, edits, WARM_UP_EDITS, 1);
    const rounds = Math.min(options.rounds, ROUNDS_MAX);
    const { blobId, editor, ...taken } = await takeIn(rig, bareServers, edits, fed.length, rounds);
    const [bareMs = [], durableMs = [], toldMs = []] = taken.bareMs;
    const share = median(bareMs) / median(taken.studioMs);
    const [least, leastTold] = [durableMs, toldMs].map((ms) => (median(bareMs) / median(ms)).toFixed(2));
    printTable([
      ['taking it in', 'rate', 'worst round', 'best round'],
      rates('bare Yjs, bare WebSocket server, in memory', fed.length, bareMs),
      rates('the same, with each edit in a log first', fed.length, durableMs),
      rates('the same, and each told of in a stream', fed.length, toldMs),
      rates('studio, each edit durable', fed.length, taken.studioMs),
    ]);
    verdicts.push({
      goal: `edits/s ≥ ${RATE_SHARE_MIN} × a bare server's`,
      reached: share >= RATE_SHARE_MIN,
      measured: `${share.toFixed(2)} × (a bare server that stores first: ${least} ×, and tells of it: ${leastTold} ×)`,
    });

    const ends = await compareEnds(rig, { blobId, editor }, edits.updates.slice(0, ENDS), edits.updates.slice(-ENDS));
    editor.close();
    const ids = await compareClientIds(rig);
    printTable([['one commit after the other', 'new', 'old', 'ratio'], ...ends.rows, ...ids.rows]);
    verdicts.push(...ends.verdicts, ...ids.verdicts);

    await rig.settle();
    const before = await folderBytes(disk);
    const whole = await readBack(rig, edits);
    await rig.settle();
    const grown = (await folderBytes(disk)) - before;
    const versions = await readVersions(rig, whole, edits.updates.length);
    const cold = await readCold(rig, whole, edits.content, edits.snapshot);
    printTable([['reading', 'median', 'worst', ''], ...cold.rows, ...versions.rows]);
    verdicts.push(...cold.verdicts, ...versions.verdicts);

    const { commits, commitBytes, checkpointBytes } = await logSize(rig.part('mongodb').url, whole);
    const kept = edits.updates;
    const each = (bytes: number, of: number): string => `${(bytes / of).toFixed(1)} B`;
    const row = (name: string, bytes: number, of = kept.length): string[] => [name, each(bytes, of), mebibytes(bytes)];
    printTable([
      ['keeping it', 'per edit', 'in all'],
      row('its updates alone', bytesOf(kept)),
      row(`the log, as documents (${commits} commits)`, commitBytes),
      row('checkpoints, as documents', checkpointBytes),
      row("growth of the database's folder, journal and indexes included", grown),
    ]);
    verdicts.push(await compareMemory(options.scale));
    return verdicts;
  } finally {
    await Promise.all(bareServers.map((server) => server.kill()));
    await rig.stop();
  }
}

/** The first `count` edits, by turns, each time into a new document. The last one of the studio's stays open. */
async function takeIn(
  rig: Rig,
  bare: readonly Helper<number>[],
  edits: Edits,
  count: number,
  rounds: number,
): Promise<Fed & { bareMs: number[][]; studioMs: number[] }> {
  const client = await rig.connect('bench');
  const updates = edits.updates.slice(0, count);
  const bareMs: number[][] = bare.map(() => []);
  const studioMs: number[] = [];
  let last: Fed | undefined;
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, server] of bare.entries()) {
      const base = `ws://127.0.0.1:${server.first}`;
      const peer = await LightEditor.openSynced({ dialect: Y_WEBSOCKET, base, room: `${count}-${round}`, token: '' });
      bareMs[index]?.push(await feed(peer, updates, edits.stateVector));
      peer.close();
    }
    last?.editor.close();
    const blobId = await newText(client);
    last = { blobId, editor: await openEditor(rig, blobId) };
    studioMs.push(await feed(last.editor, updates, edits.stateVector));
  }
  if (!last) throw new Error('There was no round.');
  return { ...last, bareMs, studioMs };
}

/** A blob that holds the whole trace and nothing else, checked. */
async function readBack(rig: Rig, edits: Edits): Promise<string> {
  const client = await rig.connect('bench');
  const blobId = await newText(client);
  const editor = await openEditor(rig, blobId);
  await feed(editor, edits.updates, edits.stateVector);
  editor.close();
  const { blob } = await client.blobs.getBlob({ id: blobId });
  if (Buffer.from(blob?.content ?? []).toString() !== edits.content) throw new Error('The text differs.');
  // One version for its creation, one for each edit: each of them can be named.
  if (Number(blob?.version) !== edits.updates.length + 1) throw new Error(`There are ${blob?.version} versions.`);
  return blobId;
}

async function compareMemory(scale: number): Promise<Verdict> {
  const [bare, live] = await Promise.all(
    ['bare', 'live'].map(async (holder) => {
      const env = { TRACE_SHARE: String(scale), TRACE_HOLDER: holder };
      const helper = await startHelper<number>('trace/live-memory.ts', { env, nodeOptions: ['--expose-gc'] });
      await helper.exited;
      return helper.first;
    }),
  );
  const ratio = (live ?? NaN) / (bare ?? NaN);
  printTable([
    ['in memory', '', ''],
    ['a bare Y.Doc of it', mebibytes(bare ?? NaN), ''],
    ["the studio's live document of it", mebibytes(live ?? NaN), `${ratio.toFixed(2)} ×`],
  ]);
  return {
    goal: `a live document ≤ ${MEMORY_RATIO_MAX} × a bare Y.Doc`,
    reached: ratio <= MEMORY_RATIO_MAX,
    measured: `${ratio.toFixed(2)} ×`,
  };
}

function rates(name: string, edits: number, ms: readonly number[]): string[] {
  const rate = (took: number): string => perSecond((edits * 1_000) / took);
  return [name, rate(median(ms)), rate(Math.max(...ms)), rate(Math.min(...ms))];
}

function bytesOf(updates: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const update of updates) bytes += update.byteLength;
  return bytes;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
