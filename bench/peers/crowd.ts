/** Ten thousand people connected, ten to a document, a hundred of them typing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { requireLinux, residentBytes } from '../processes.ts';
import { median, milliseconds, percentile, print, printTable, type Verdict } from '../report.ts';
import { startRig, type Rig } from '../rig.ts';
import type { BenchOptions } from '../run.ts';
import { LightEditor, type EditorPlace } from '../wire/light-editor.ts';
import { startContestant, type ContestantName } from './contestants.ts';
import { installPeers } from './installation.ts';

const CONTESTANTS: readonly ContestantName[] = ['studio /sync', 'studio /hocuspocus', 'y-websocket', 'Hocuspocus'];
const CONNECTIONS = 10_000;
const PER_DOCUMENT = 10;
const USERS = 20;
const OPENING_AT_ONCE = 50;
const TYPING_SHARE = 0.01;
const TYPING_MS = 8_000;
const KEYSTROKE_EVERY_MS = 1_000;
/** Whatever opening left behind has been collected by then. */
const SETTLE_MS = 6_000;

interface Served {
  readonly name: ContestantName;
  readonly asked: number;
  readonly served: number;
  readonly openingMs: number;
  readonly bytesEach: number;
  readonly latenciesMs: readonly number[];
  readonly expected: number;
}

export async function benchCrowd(options: BenchOptions): Promise<Verdict[]> {
  requireLinux();
  const connections = Math.max(200, Math.round(CONNECTIONS * Math.min(1, options.scale)));
  print(`\nPeers, crowd: ${connections} connections, ${PER_DOCUMENT} to a document, 1 % of them typing`);
  await installPeers();
  const rig = await startRig({ worker: false });
  try {
    const all: Served[] = [];
    for (const name of CONTESTANTS) {
      // What the one before left in the process would hide what this one takes.
      if (name.startsWith('studio')) await rig.restart();
      all.push(await serve(name, rig, connections));
    }
    printTable([
      ['', 'served', 'opened in', 'memory each', 'median', 'p99', 'arrived'],
      ...all.map((one) => [
        one.name,
        `${one.served} of ${one.asked}`,
        `${(one.openingMs / 1_000).toFixed(1)} s`,
        kibibytes(one.bytesEach),
        milliseconds(median(one.latenciesMs)),
        milliseconds(percentile(one.latenciesMs, 0.99)),
        `${one.latenciesMs.length} of ${one.expected}`,
      ]),
    ]);
    return judge(all);
  } finally {
    await rig.stop();
  }
}

function judge(all: readonly Served[]): Verdict[] {
  const theirs = all.find(({ name }) => name === 'Hocuspocus');
  return all
    .filter(({ name }) => name.startsWith('studio'))
    .flatMap(({ name, served, asked, bytesEach, latenciesMs, expected }) => [
      {
        goal: `crowd, ${name}: all ${asked} served, every keystroke shown`,
        reached: served === asked && latenciesMs.length === expected,
        measured: `${served}, ${latenciesMs.length} of ${expected} in ${milliseconds(median(latenciesMs))}`,
      },
      {
        goal: `crowd, ${name}: memory per connection ≤ Hocuspocus's`,
        reached: bytesEach <= (theirs?.bytesEach ?? NaN),
        measured: `${kibibytes(bytesEach)} against ${kibibytes(theirs?.bytesEach ?? NaN)}`,
      },
    ]);
}

async function serve(name: ContestantName, rig: Rig, connections: number): Promise<Served> {
  const contestant = await startContestant(name, rig);
  const editors: LightEditor[] = [];
  try {
    const places: EditorPlace[] = [];
    for (let made = 0; made < connections / PER_DOCUMENT; made += 1) {
      places.push(await contestant.newPlace(`bench-${made % USERS}`));
    }
    // One in each document: what follows adds connections alone.
    const started = performance.now();
    editors.push(...(await open(places, places.length)));
    const openingMs = performance.now() - started;
    await sleep(SETTLE_MS);
    const before = residentBytes(contestant.pid);
    const again = performance.now();
    editors.push(...(await open(places, connections - places.length)));
    const restMs = performance.now() - again;
    await sleep(SETTLE_MS);
    const bytesEach = (residentBytes(contestant.pid) - before) / (connections - places.length);
    const { latenciesMs, expected } = await type(editors, places.length);
    const served = editors.filter(({ isOpen }) => isOpen).length;
    return { name, asked: connections, served, openingMs: openingMs + restMs, bytesEach, latenciesMs, expected };
  } finally {
    for (const editor of editors) editor.close();
    await contestant.stop();
  }
}

/** The n-th editor is in the n-th document, round and round. */
async function open(places: readonly EditorPlace[], count: number): Promise<LightEditor[]> {
  const editors: LightEditor[] = [];
  let next = 0;
  const openOn = async (): Promise<void> => {
    while (next < count) {
      const place = places[next % places.length];
      const at = next;
      next += 1;
      if (place) editors[at] = await LightEditor.openSynced(place);
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPENING_AT_ONCE, count) }, openOn));
  return editors;
}

async function type(
  editors: readonly LightEditor[],
  documents: number,
): Promise<{ latenciesMs: number[]; expected: number }> {
  const latenciesMs: number[] = [];
  const typists = Math.max(1, Math.round(editors.length * TYPING_SHARE));
  const keystrokes = Math.round(TYPING_MS / KEYSTROKE_EVERY_MS);
  const typing: Promise<void>[] = [];
  for (let typist = 0; typist < typists; typist += 1) {
    // One to a document, those being more than the typists.
    const document = Math.floor((typist * documents) / typists);
    const here = editors.filter((_editor, at) => at % documents === document);
    const [author, ...readers] = here;
    if (!author) continue;
    const typedAt: number[] = [];
    for (const reader of readers) {
      reader.onKeystrokes = (clientId, from, to) => {
        if (clientId !== author.clientId) return;
        for (const at of typedAt.slice(from, to)) latenciesMs.push(performance.now() - at);
      };
    }
    typing.push(typeOn(author, typedAt, keystrokes));
  }
  await Promise.all(typing);
  await sleep(SETTLE_MS / 2);
  return { latenciesMs, expected: typists * keystrokes * (PER_DOCUMENT - 1) };
}

async function typeOn(author: LightEditor, typedAt: number[], keystrokes: number): Promise<void> {
  await sleep(Math.random() * KEYSTROKE_EVERY_MS);
  for (let typed = 0; typed < keystrokes; typed += 1) {
    typedAt.push(performance.now());
    author.type();
    await sleep(KEYSTROKE_EVERY_MS);
  }
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
