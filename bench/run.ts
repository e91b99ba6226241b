/** `npm run bench -- NAME…`: all without a name. */
import { parseArgs } from 'node:util';
import { benchContention } from './contention.ts';
import { benchDeltas } from './deltas.ts';
import { benchEditors } from './editors.ts';
import { benchFootprint } from './footprint.ts';
import { describeMachine } from './machine.ts';
import { benchProviders } from './providers.ts';
import { benchCrowd } from './peers/crowd.ts';
import { benchDurability } from './peers/durability.ts';
import { benchJoin } from './peers/join.ts';
import { benchLoad } from './peers/load.ts';
import { benchTyping } from './peers/typing.ts';
import { print, type Verdict } from './report.ts';
import { benchTrace } from './trace.ts';

const PEERS: Readonly<Record<string, (options: BenchOptions) => Promise<Verdict[]>>> = {
  'peers-typing': benchTyping,
  'peers-load': benchLoad,
  'peers-crowd': benchCrowd,
  'peers-join': benchJoin,
  'peers-durability': benchDurability,
};

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Verdict[]>>> = {
  deltas: benchDeltas,
  contention: benchContention,
  providers: benchProviders,
  editors: benchEditors,
  footprint: benchFootprint,
  trace: benchTrace,
  ...PEERS,
};

export interface BenchOptions {
  /** How often what is compared takes turns. */
  readonly rounds: number;
  /** Scales how much is measured: 1 takes a minute to four each. */
  readonly scale: number;
  /** How long memory is watched under load. */
  readonly minutes: number;
}

const HELP = `npm run bench -- [NAME…] [--rounds N] [--scale X] [--minutes M]

  deltas      acknowledged deltas against bare inserts into the same database
  contention  30 writers through three studio processes on one blob
  providers   from an update to its derived blob, against a bare Temporal workflow
  editors     editor to editor, 20 in one document
  footprint   memory at rest and of an idle connection
  trace       a long paper, keystroke by keystroke: taken in, read back, kept
  peers       all of the following, beside Hocuspocus, y-websocket and y-mongodb-provider
    peers-typing      20 editors in one document
    peers-load        200 documents, 2 editors in each, as fast as they can; --minutes watches memory longer
    peers-crowd       10,000 connections on 1,000 documents
    peers-join        1,000 editors opening one document of 4 MB at once
    peers-durability  kill -9 at the moment of the acknowledgement

A mongod or secantusd-rs on PATH is used when there is one. The exit code is 1 when a goal was missed.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      rounds: { type: 'string', default: '4' },
      scale: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '0.5' },
    },
  });
  const asked = positionals.length > 0 ? positionals : Object.keys(BENCHES);
  const names = asked.flatMap((name) => (name === 'peers' ? Object.keys(PEERS) : [name]));
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  const options = { rounds: Number(values.rounds), scale: Number(values.scale), minutes: Number(values.minutes) };
  const isSane = Number.isInteger(options.rounds) && options.rounds > 0 && options.scale > 0 && options.minutes > 0;
  if (values.help || unknown !== undefined || !isSane) {
    print(HELP);
    return values.help ? 0 : 2;
  }
  // Each of y-websocket's clients listens for the end of its process.
  process.setMaxListeners(0);
  print(describeMachine());
  const verdicts: Verdict[] = [];
  for (const name of names) verdicts.push(...((await BENCHES[name]?.(options)) ?? []));
  print('\nGoals');
  for (const { goal, reached, measured } of verdicts) print(`  ${reached ? '✔' : '✘'} ${goal}: ${measured}`);
  return verdicts.every(({ reached }) => reached) ? 0 : 1;
}

process.exitCode = await main();
