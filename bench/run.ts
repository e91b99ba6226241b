/** `npm run bench -- NAME…`: deltas, providers, editors, footprint; all without a name. */
import { parseArgs } from 'node:util';
import { benchDeltas } from './deltas.ts';
import { benchEditors } from './editors.ts';
import { benchFootprint } from './footprint.ts';
import { describeMachine } from './machine.ts';
import { benchProviders } from './providers.ts';
import { print, type Verdict } from './report.ts';
import { benchTrace } from './trace.ts';

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Verdict[]>>> = {
  deltas: benchDeltas,
  providers: benchProviders,
  editors: benchEditors,
  footprint: benchFootprint,
  trace: benchTrace,
};

export interface BenchOptions {
  /** How often what is compared takes turns. */
  readonly rounds: number;
  /** Scales how much is measured: 1 takes about a minute each. */
  readonly scale: number;
}

const HELP = `npm run bench -- [NAME…] [--rounds N] [--scale X]

  deltas      acknowledged deltas against bare inserts into the same database
  providers   from an update to its derived blob, against a bare Temporal workflow
  editors     editor to editor, 20 in one document
  footprint   memory at rest and of an idle connection
  trace       a long paper, keystroke by keystroke: taken in, read back, kept

A mongod or secantusd-rs on PATH is used when there is one. The exit code is 1 when a goal was missed.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      rounds: { type: 'string', default: '4' },
      scale: { type: 'string', default: '1' },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  const options = { rounds: Number(values.rounds), scale: Number(values.scale) };
  const isSane = Number.isInteger(options.rounds) && options.rounds > 0 && options.scale > 0;
  if (values.help || unknown !== undefined || !isSane) {
    print(HELP);
    return values.help ? 0 : 2;
  }
  print(describeMachine());
  const verdicts: Verdict[] = [];
  for (const name of names) verdicts.push(...((await BENCHES[name]?.(options)) ?? []));
  print('\nGoals');
  for (const { goal, reached, measured } of verdicts) print(`  ${reached ? '✔' : '✘'} ${goal}: ${measured}`);
  return verdicts.every(({ reached }) => reached) ? 0 : 1;
}

process.exitCode = await main();
