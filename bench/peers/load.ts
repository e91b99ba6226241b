/** Many documents, two people in each, each typing as soon as the other has seen the keystroke before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, requireLinux, residentBytes, untilCalm } from '../processes.ts';
import { median, perSecond, print, printTable, type Verdict } from '../report.ts';
import { startRig } from '../rig.ts';
import type { BenchOptions } from '../run.ts';
import { LightEditor } from '../wire/light-editor.ts';
import { startContestant, type Contestant, type ContestantName } from './contestants.ts';
import { installPeers } from './installation.ts';

const CONTESTANTS: readonly ContestantName[] = [
  'studio /sync',
  'studio /hocuspocus',
  'y-websocket',
  'Hocuspocus',
  'bare, durable',
  'bare, durable and told',
];
/** It acknowledges long before it has stored. What it still has to do would reach into others' turns: it comes after them. */
const LAGGARD: ContestantName = 'y-mongodb-provider';
const DOCUMENTS = 200;
const WARM_UP_MS = 2_000;
const TURN_MS = 5_000;
const SAMPLE_MS = 1_000;
/** Of so long a run it is asked that memory stays as it is after its first third. */
const FLAT_MINUTES_MIN = 10;
const GROWTH_SHARE_MAX = 0.1;

export async function benchLoad(options: BenchOptions): Promise<Verdict[]> {
  requireLinux();
  const documents = Math.max(2, Math.round(DOCUMENTS * Math.min(1, options.scale)));
  print(`\nPeers, load: ${documents} documents, 2 editors in each, closed loop`);
  await installPeers();
  const rig = await startRig({ worker: false });
  const contestants: Contestant[] = [];
  try {
    const seat = async (name: ContestantName): Promise<Crowd> => {
      const contestant = await startContestant(name, rig);
      contestants.push(contestant);
      return Crowd.seat(contestant, documents, rig.part('mongodb').pid);
    };
    const crowds: Crowd[] = [];
    for (const name of CONTESTANTS) crowds.push(await seat(name));
    await takeTurns(crowds, options);
    const [ours] = crowds;
    const verdicts = judge(crowds);
    if (ours) verdicts.push(...(await memory(ours, options.minutes)));
    const laggard = await seat(LAGGARD);
    await takeTurns([laggard], options);
    printTable([
      ['', 'updates', 'worst round', 'best round', 'CPU s per 1,000', "database's CPU s"],
      ...[...crowds, laggard].map((crowd) => crowd.row()),
    ]);
    for (const crowd of [...crowds, laggard]) crowd.leave();
    return verdicts;
  } finally {
    for (const contestant of contestants) await contestant.stop();
    await rig.stop();
  }
}

async function takeTurns(crowds: readonly Crowd[], options: BenchOptions): Promise<void> {
  for (const crowd of crowds) await crowd.type(WARM_UP_MS * options.scale, false);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const crowd of crowds) await crowd.type(TURN_MS * options.scale, true);
  }
}

function judge(crowds: readonly Crowd[]): Verdict[] {
  const of = (name: ContestantName): Crowd | undefined => crowds.find((crowd) => crowd.name === name);
  const theirs = of('Hocuspocus');
  const [stores, tells] = [of('bare, durable'), of('bare, durable and told')];
  /** What bare servers need of the same, beside Hocuspocus. */
  const limits = (measure: (crowd: Crowd) => number): string => {
    const [least = '', told = ''] = [stores, tells].map((bare) =>
      bare && theirs ? (measure(bare) / measure(theirs)).toFixed(2) : '',
    );
    return `a bare server that stores first: ${least} ×, and tells of it: ${told} ×`;
  };
  return (['studio /sync', 'studio /hocuspocus'] as const).flatMap((name) => {
    const ours = of(name);
    const cpu = (ours?.cpu ?? NaN) / (theirs?.cpu ?? NaN);
    const rate = (ours?.rate ?? NaN) / (theirs?.rate ?? NaN);
    return [
      {
        goal: `load, ${name}: CPU per 1,000 updates ≤ Hocuspocus's with SQLite`,
        reached: cpu <= 1,
        measured: `${cpu.toFixed(2)} × (${limits((crowd) => crowd.cpu)})`,
      },
      {
        goal: `load, ${name}: updates/s ≥ Hocuspocus's with SQLite`,
        reached: rate >= 1,
        measured: `${rate.toFixed(2)} × (${limits((crowd) => crowd.rate)})`,
      },
    ];
  });
}

async function memory(crowd: Crowd, minutes: number): Promise<Verdict[]> {
  const samples: number[] = [];
  const typing = crowd.type(minutes * 60_000, false);
  let isOver = false;
  void typing.finally(() => (isOver = true));
  while (!isOver) {
    await sleep(SAMPLE_MS);
    samples.push(residentBytes(crowd.pid) / 2 ** 20);
  }
  await typing;
  // The first third warms up.
  const steady = samples.slice(Math.floor(samples.length / 3));
  const slope = slopeOf(steady) * (60_000 / SAMPLE_MS);
  const growth = (slope * minutes * (2 / 3)) / median(steady);
  const range = `${Math.min(...steady).toFixed(0)} to ${Math.max(...steady).toFixed(0)} MiB`;
  const measured = `${slope.toFixed(2)} MiB a minute (${range})`;
  print(`  memory over ${minutes} min of it: ${measured}`);
  if (minutes < FLAT_MINUTES_MIN) return [];
  return [{ goal: `load: memory flat over ${minutes} min`, reached: growth <= GROWTH_SHARE_MAX, measured }];
}

/** Of the line that fits best, per sample. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [over, under] = [0, 0];
  for (const [at, value] of values.entries()) {
    over += (at - middle) * (value - mean);
    under += (at - middle) ** 2;
  }
  return over / under;
}

interface Pair {
  readonly editor: LightEditor;
  readonly partner: LightEditor;
  /** Called once the partner has all that the editor typed. */
  onSeen: (() => void) | undefined;
}

class Crowd {
  readonly #contestant: Contestant;
  readonly #databasePid: number;
  readonly #pairs: Pair[] = [];
  readonly #rates: number[] = [];
  readonly #cpus: number[] = [];
  readonly #databaseCpus: number[] = [];

  private constructor(contestant: Contestant, databasePid: number) {
    this.#contestant = contestant;
    this.#databasePid = databasePid;
  }

  static async seat(contestant: Contestant, documents: number, databasePid: number): Promise<Crowd> {
    const crowd = new Crowd(contestant, databasePid);
    for (let made = 0; made < documents; made += 1) {
      const place = await contestant.newPlace();
      const [one, other] = [await LightEditor.openSynced(place), await LightEditor.openSynced(place)];
      crowd.#pairs.push(pair(one, other), pair(other, one));
    }
    return crowd;
  }

  get name(): ContestantName {
    return this.#contestant.name;
  }

  get pid(): number {
    return this.#contestant.pid;
  }

  /** Seconds of the server's processor time for 1,000 updates. */
  get cpu(): number {
    return median(this.#cpus);
  }

  get rate(): number {
    return median(this.#rates);
  }

  async type(durationMs: number, counts: boolean): Promise<void> {
    const started = performance.now();
    const before = [cpuSeconds(this.pid), cpuSeconds(this.#databasePid)] as const;
    let done = 0;
    const typeOne = async (one: Pair): Promise<void> => {
      while (performance.now() - started < durationMs) {
        const seen = new Promise<void>((resolve, reject) => {
          one.onSeen = resolve;
          one.editor.onClosed = () => reject(new Error(`${this.name} closed a connection`));
        });
        one.editor.type();
        await seen;
        done += 1;
      }
    };
    await Promise.all(this.#pairs.map(typeOne));
    const seconds = (performance.now() - started) / 1_000;
    if (counts) {
      const thousands = done / 1_000;
      this.#rates.push(done / seconds);
      this.#cpus.push((cpuSeconds(this.pid) - before[0]) / thousands);
      this.#databaseCpus.push((cpuSeconds(this.#databasePid) - before[1]) / thousands);
    }
    // A server that answers before it has stored would else be served by the database in another's turn.
    await untilCalm([this.pid, this.#databasePid]);
  }

  row(): string[] {
    return [
      this.name,
      perSecond(this.rate),
      perSecond(Math.min(...this.#rates)),
      perSecond(Math.max(...this.#rates)),
      this.cpu.toFixed(3),
      median(this.#databaseCpus).toFixed(3),
    ];
  }

  leave(): void {
    for (const { editor } of this.#pairs) editor.close();
  }
}

function pair(editor: LightEditor, partner: LightEditor): Pair {
  const made: Pair = { editor, partner, onSeen: undefined };
  const { clientId } = editor;
  partner.onKeystrokes = (author, _from, to) => {
    if (author === clientId && to === editor.typed) made.onSeen?.();
  };
  return made;
}
