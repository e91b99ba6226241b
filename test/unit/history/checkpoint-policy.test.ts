import * as assert from 'uvu/assert';
import {
  isWholeDue,
  joinableRuns,
  missingRuns,
  missingStates,
  stateSpacing,
  superfluousRuns,
  superfluousStates,
} from '../../../src/documents/checkpoints/checkpoint-policy.ts';
import { planVersion } from '../../../src/documents/checkpoints/version-plan.ts';
import {
  CHECKPOINT_STATES_MAX,
  COLLECTED_FROM_BYTES,
  STATE_EVERY_BYTES,
  STATE_EVERY_DELTAS,
} from '../../../src/limits.ts';
import type { CheckpointIndex, RunEntry, StateEntry } from '../../../src/storage/checkpoints.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('checkpoint policy');
const K = STATE_EVERY_DELTAS;

function state(version: number, more: Partial<StateEntry> = {}): StateEntry {
  return { version, bytes: 1_000, parts: 1, hash: `s${version}`, ...more };
}

function run(first: number, last: number): RunEntry {
  return { first, last, bytes: 100, parts: 1, hash: `r${first}-${last}` };
}

function index(states: StateEntry[], runs: RunEntry[] = []): CheckpointIndex {
  return { states, runs: runs.sort((a, b) => a.first - b.first || b.last - a.last) };
}

test('states are apart by deltas, by more for large ones, and never too many', () => {
  assert.is(stateSpacing(100_000, 200_000), K);
  assert.is(stateSpacing(100_000, 8_000_000), K * 4);
  assert.ok(50_000_000 / stateSpacing(50_000_000, 1_000) <= CHECKPOINT_STATES_MAX);
  assert.equal(missingStates(index([state(K)]), 3 * K + 5, []), [2 * K, 3 * K]);
  assert.equal(missingStates(index([]), 3 * K, [{ first: 2, last: 2 * K }]), [2 * K, 3 * K]);
});

test('superfluous: what is off the spacing and not the newest, due by bytes, or the end of a dropped range', () => {
  const states = [state(100), state(K), state(K + 9, { since: STATE_EVERY_BYTES }), state(K + 50), state(K + 70)];
  const versions = (found: StateEntry[]): number[] => found.map(({ version }) => version);
  assert.equal(versions(superfluousStates(index(states), [])), [100, K + 50]);
  assert.equal(versions(superfluousStates(index(states), [{ first: 2, last: 100 }])), [K + 50]);
  assert.equal(versions(superfluousStates(index(states), [{ first: K - 5, last: K + 50 }])), [100, K, K + 9]);
});

test('a state without what is deleted stands beside one with it only at the head, and is none to go back by', () => {
  const collected = (version: number, since: number): StateEntry =>
    state(version, { collected_to: version, since, hash: `c${version}` });
  const states = [state(100, { since: STATE_EVERY_BYTES }), collected(100, 0), collected(120, 0), collected(140, 9)];
  const found = (dropped: { first: number; last: number }[]): string[] =>
    superfluousStates(index(states), dropped).map(({ hash }) => hash);
  assert.equal(found([]), ['c100', 'c120']);
  assert.equal(found([{ first: 110, last: 120 }]), ['c100']);
  const planned = (keptFrom?: number): string | undefined =>
    planVersion(index(states), { from: 150, to: 150, keptFrom }).state?.hash;
  assert.equal(
    [planned(), planned(140), planned(139), planned(119), planned(0)],
    ['c140', 'c140', 'c120', 'c100', 's100'],
  );
  const large = index([state(100, { bytes: 2 * COLLECTED_FROM_BYTES }), collected(120, COLLECTED_FROM_BYTES)]);
  assert.equal(
    [COLLECTED_FROM_BYTES - 1, COLLECTED_FROM_BYTES].map((bytes) => isWholeDue(large, [], bytes)),
    [false, true],
  );
});

test('runs: whole windows that are missing, joined when they fill a larger one, short ones then superfluous', () => {
  assert.equal(missingRuns(index([], [run(1, 256)]), 0, 800, []), [
    { first: 257, last: 512 },
    { first: 513, last: 768 },
  ]);
  assert.equal(missingRuns(index([]), 0, 800, [{ first: 300, last: 310 }]).length, 2);
  const sixteen = Array.from({ length: 16 }, (_, at) => run(at * 256 + 1, (at + 1) * 256));
  assert.equal(
    joinableRuns(index([], sixteen)).map((group) => group.length),
    [16],
  );
  assert.equal(joinableRuns(index([], sixteen.slice(1))), []);
  assert.is(superfluousRuns(index([], [...sixteen, run(1, K)])).length, 16);
});

test('a plan covers what is asked, from the nearest state, without a hole', () => {
  const stored = index([state(500), state(2_000)], [run(257, 512), run(513, 768), run(1_025, 1_280)]);
  const plan = planVersion(stored, { from: 1_500, to: 1_500 });
  assert.is(plan.state?.version, 500);
  assert.equal(
    plan.stretches.map(({ first, last, run: of }) => `${first}-${last}${of ? ' run' : ''}`),
    ['501-512 run', '513-768 run', '769-1024', '1025-1280 run', '1281-1500'],
  );
  const without = planVersion(stored, { from: 600, to: 600, without: new Set(['s500', 'r513-768']) });
  assert.equal(
    without.stretches.map(({ first, last, run: of }) => `${first}-${last}${of ? ' run' : ''}`),
    ['1-256', '257-512 run', '513-600'],
  );
});

test.run();
