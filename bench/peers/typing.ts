/** One document, many people typing in it: from a keystroke to everyone else's screen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { median, milliseconds, percentile, perSecond, print, printTable, type Verdict } from '../report.ts';
import { startRig, type Rig } from '../rig.ts';
import type { BenchOptions } from '../run.ts';
import { LightEditor } from '../wire/light-editor.ts';
import { startContestant, type Contestant, type ContestantName } from './contestants.ts';
import { installPeers } from './installation.ts';

const CONTESTANTS: readonly ContestantName[] = [
  'studio /sync',
  'studio /hocuspocus',
  'y-websocket',
  'y-mongodb-provider',
  'Hocuspocus',
  'bare, durable',
];
const EDITORS = 20;
const EDITS_PER_SECOND = 5;
const WARM_UP_MS = 2_000;
const TURN_MS = 5_000;
const SETTLE_MS = 1_000;
const INSERTS = 100;
/** About what one keystroke's commit takes in the log. */
const INSERT_BYTES = 600;
const INSERTS_ALLOWED = 1.5;
const P99_RATIO_MAX = 3;

export async function benchTyping(options: BenchOptions): Promise<Verdict[]> {
  print(`\nPeers, typing: ${EDITORS} editors in one document, ${EDITS_PER_SECOND} keystrokes/s each`);
  await installPeers();
  const rig = await startRig({ worker: false });
  const contestants: Contestant[] = [];
  try {
    const tables: Table[] = [];
    for (const name of CONTESTANTS) {
      const contestant = await startContestant(name, rig);
      contestants.push(contestant);
      tables.push(await Table.seat(contestant));
    }
    const insertsMs: number[] = [];
    await insert(rig, []);
    for (const table of tables) await table.type(WARM_UP_MS * options.scale);
    for (let round = 0; round < options.rounds; round += 1) {
      await insert(rig, insertsMs);
      for (const table of tables) table.take(await table.type(TURN_MS * options.scale));
    }
    printTable([
      ['', 'median', 'worst round', 'best round', 'p99', 'p99 of the median round', 'arrivals'],
      ...tables.map((table) => table.row((TURN_MS * options.scale * options.rounds) / 1_000)),
      [
        'one journaled insert',
        milliseconds(median(insertsMs)),
        '',
        '',
        milliseconds(percentile(insertsMs, 0.99)),
        '',
        '',
      ],
    ]);
    for (const table of tables) table.leave();
    return judge(tables, median(insertsMs));
  } finally {
    for (const contestant of contestants) await contestant.stop();
    await rig.stop();
  }
}

function judge(tables: readonly Table[], insertMs: number): Verdict[] {
  const of = (name: ContestantName): Table => {
    const table = tables.find((one) => one.name === name);
    if (!table) throw new Error(`${name} did not take part`);
    return table;
  };
  const [ours, theirs, bare] = [of('studio /sync'), of('y-websocket'), of('bare, durable')];
  const over = (ours.median - theirs.median) / insertMs;
  const least = (bare.median - theirs.median) / insertMs;
  const tail = ours.p99 / theirs.p99;
  const leastTail = bare.p99 / theirs.p99;
  const missing = tables.filter(({ name }) => name.startsWith('studio')).reduce((sum, table) => sum + table.missing, 0);
  const note = missing > 0 ? `, ${missing} keystrokes did not arrive everywhere` : '';
  return [
    {
      goal: `typing: median ≤ y-websocket's + ${INSERTS_ALLOWED} × one journaled insert`,
      reached: over <= INSERTS_ALLOWED && missing === 0,
      measured: `its + ${over.toFixed(2)} × (a bare server that stores first: + ${least.toFixed(2)} ×)${note}`,
    },
    {
      goal: `typing: p99 ≤ ${P99_RATIO_MAX} × y-websocket's`,
      reached: tail <= P99_RATIO_MAX,
      measured: `${tail.toFixed(2)} × (a bare server that stores first: ${leastTail.toFixed(2)} ×)`,
    },
  ];
}

/** One contestant's document, with everyone at it. */
class Table {
  readonly name: ContestantName;
  readonly #latenciesMs: number[] = [];
  readonly #medians: number[] = [];
  readonly #p99s: number[] = [];
  readonly #editors: LightEditor[] = [];
  /** By client id: when each of its keystrokes was typed. */
  readonly #typedAt = new Map<number, number[]>();
  #turnMs: number[] = [];
  #arrived = 0;

  private constructor(name: ContestantName) {
    this.name = name;
  }

  static async seat(contestant: Contestant): Promise<Table> {
    const table = new Table(contestant.name);
    const place = await contestant.newPlace();
    for (let seat = 0; seat < EDITORS; seat += 1) {
      const editor = await LightEditor.openSynced(place);
      table.#editors.push(editor);
      table.#typedAt.set(editor.clientId, []);
      editor.onKeystrokes = (clientId, from, to) => {
        // Some servers send an editor its own.
        if (clientId !== editor.clientId) table.#arrive(clientId, from, to);
      };
    }
    return table;
  }

  get median(): number {
    return median(this.#latenciesMs);
  }

  /** Of the median round: of all rounds together it is that of the few seconds in which the machine was taken away. */
  get p99(): number {
    return median(this.#p99s);
  }

  get missing(): number {
    let typed = 0;
    for (const at of this.#typedAt.values()) typed += at.length;
    return Math.max(0, typed * (EDITORS - 1) - this.#arrived);
  }

  async type(durationMs: number): Promise<number[]> {
    this.#turnMs = [];
    const ends = performance.now() + durationMs;
    await Promise.all(this.#editors.map((editor) => this.#typeOne(editor, ends)));
    await sleep(SETTLE_MS);
    return this.#turnMs;
  }

  take(turnMs: readonly number[]): void {
    for (const ms of turnMs) this.#latenciesMs.push(ms);
    this.#medians.push(median(turnMs));
    this.#p99s.push(percentile(turnMs, 0.99));
  }

  row(seconds: number): string[] {
    return [
      this.name,
      milliseconds(this.median),
      milliseconds(Math.max(...this.#medians)),
      milliseconds(Math.min(...this.#medians)),
      milliseconds(percentile(this.#latenciesMs, 0.99)),
      milliseconds(this.p99),
      perSecond(this.#latenciesMs.length / seconds),
    ];
  }

  leave(): void {
    for (const editor of this.#editors) editor.close();
  }

  #arrive(clientId: number, from: number, to: number): void {
    const now = performance.now();
    const typedAt = this.#typedAt.get(clientId) ?? [];
    for (const at of typedAt.slice(from, to)) {
      this.#arrived += 1;
      this.#turnMs.push(now - at);
    }
  }

  async #typeOne(editor: LightEditor, ends: number): Promise<void> {
    for (;;) {
      // Between half and one and a half of the mean: no two editors stay in step.
      await sleep((1_000 / EDITS_PER_SECOND) * (0.5 + Math.random()));
      if (performance.now() >= ends) return;
      this.#typedAt.get(editor.clientId)?.push(performance.now());
      editor.type();
    }
  }
}

async function insert(rig: Rig, latenciesMs: number[]): Promise<void> {
  const mongo = new MongoClient(rig.part('mongodb').url, { writeConcern: { w: 'majority', journal: true } });
  try {
    const collection = mongo.db('bench').collection('inserts');
    const body = Buffer.alloc(INSERT_BYTES, 1);
    for (let made = 0; made < INSERTS; made += 1) {
      const sent = performance.now();
      await collection.insertOne({ body });
      // The first one connects.
      if (made > 0) latenciesMs.push(performance.now() - sent);
    }
  } finally {
    await mongo.close();
  }
}
