/** The demo's last words: what was measured, what was compared. */
import { EventType } from '../src/index.ts';
import { firstDifference, type DoorReading } from './doors.ts';
import { count, say } from './progress.ts';
import type { DerivedReading } from './providers.ts';

export interface AuthorFigures {
  readonly name: string;
  readonly typist: { readonly versions: readonly number[]; readonly acknowledgedMs: readonly number[] };
  /** Edits made on a base other than the head. */
  readonly offHead: number;
}

export interface Figures {
  readonly seconds: number;
  readonly authors: readonly AuthorFigures[];
  readonly events: ReadonlyMap<EventType, number>;
  readonly derived: readonly DerivedReading[];
}

/** Prints the comparisons; whether all of them hold. */
export function compare(expected: string, doors: readonly DoorReading[], derived: readonly DerivedReading[]): boolean {
  let isRight = true;
  const line = (problem: string, what: string): void => {
    isRight &&= problem === '';
    say(problem === '' ? `  ✔ ${what}` : `  ✘ ${what}: ${problem}`);
  };
  say(`The text, ${count(Buffer.byteLength(expected))} bytes, byte for byte:`);
  for (const { door, text } of doors) line(firstDifference(text, expected), door);
  say('What providers derived from it:');
  for (const { provider, problem, fromVersion } of derived) line(problem, `${provider}, from version ${fromVersion}`);
  return isRight;
}

export function printTable(figures: Figures): void {
  const { authors, events, derived, seconds } = figures;
  const deltas = authors.reduce((sum, { typist }) => sum + typist.versions.length, 0);
  const rows: (readonly [string, string])[] = [
    [
      'Deltas',
      `${count(deltas)} (${authors.map(({ name, typist }) => `${name} ${count(typist.versions.length)}`).join(', ')})`,
    ],
    ['Time', `${seconds.toFixed(1)} s, ${count(Math.round(deltas / seconds))} deltas/s`],
    ['Made on a base other than the head', authors.map(({ name, offHead }) => `${name} ${count(offHead)}`).join(', ')],
    ...authors.map(
      ({ name, typist: { acknowledgedMs } }) =>
        [
          `Acknowledged, ${name}`,
          `p50 ${percentile(acknowledgedMs, 0.5)} ms, p99 ${percentile(acknowledgedMs, 0.99)} ms`,
        ] as const,
    ),
    ['Events', [...events].map(([type, times]) => `${EventType[type].toLowerCase()} ${count(times)}`).join(', ')],
    ['Executions', derived.map(({ provider, executions }) => `${provider} ${count(executions)}`).join(', ')],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) say(`  ${name.padEnd(width)}  ${value}`);
}

function percentile(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? '–' : value.toFixed(2);
}
