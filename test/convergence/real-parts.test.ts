/**
 * Rounds on a real database and a real NATS, many at once through three engines. `TEST_ROUNDS` runs more of them,
 * `TEST_SEED` others; a failure names the round's own kind and seed, which belong in ONCE_FAILED then.
 */
import { startParts, type TestParts } from '../harness/parts.ts';
import { Random } from '../harness/random.ts';
import { suite } from '../harness/suite.ts';
import { ROUND_KINDS, type KindName } from './kinds.ts';
import { RealWorld } from './real-world.ts';
import { runRound } from './round.ts';

const test = suite('convergence on real parts', { timeoutMs: 240_000 });
const KINDS = Object.keys(ROUND_KINDS) as KindName[];
const ROUNDS_AT_ONCE = KINDS.length * 3;
const ROUNDS = Number(process.env['TEST_ROUNDS'] ?? ROUNDS_AT_ONCE * 6);
const SEED = Number(process.env['TEST_SEED'] ?? 7);
const STEPS = 35;
/** Rounds in which something went wrong once. */
const ONCE_FAILED: readonly PlannedRound[] = [
  { kind: 'rich', seed: 323_215_403 },
  { kind: 'binary', seed: 4_085_702_267 },
  { kind: 'free-text', seed: 3_178_669_918 },
  { kind: 'free-text', seed: 3_505_710_881 },
  { kind: 'free-text', seed: 3_762_309_999 },
  { kind: 'free-json', seed: 1_101_629_443 },
  { kind: 'rich', seed: 2_247_528_537 },
  { kind: 'opaque', seed: 3_076_868_692 },
  { kind: 'opaque', seed: 102_806_833 },
];
const EACH_AGAIN = 4;

interface PlannedRound {
  readonly kind: KindName;
  readonly seed: number;
}

let parts: TestParts;
let world: RealWorld | undefined;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  world = await RealWorld.open(parts);
});
test.after(async () => {
  await world?.close();
  await parts?.stop();
});

async function runAtOnce(rounds: readonly PlannedRound[]): Promise<void> {
  const shared = world;
  if (!shared) throw new Error('There is no world.');
  const failures: Error[] = [];
  await Promise.all(
    rounds.map(async ({ kind, seed }, index) => {
      const blobId = `${kind}-${seed}-${index}`;
      try {
        await runRound({ world: shared, random: new Random(seed), kind, blobId, processes: 3, steps: STEPS });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        failures.push(new Error(`round { kind: '${kind}', seed: ${seed} }: ${why}`, { cause: error }));
      }
    }),
  );
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
}

test('G1 G2 G3 G4: rounds in which something once went wrong agree', async () => {
  await runAtOnce(ONCE_FAILED.flatMap((round) => Array.from({ length: EACH_AGAIN }, () => round)));
});

const random = new Random(SEED);
for (let begun = 0; begun < ROUNDS; begun += ROUNDS_AT_ONCE) {
  const rounds = Array.from({ length: ROUNDS_AT_ONCE }, (_none, index): PlannedRound => {
    return { kind: KINDS[index % KINDS.length] as KindName, seed: random.int(0, 2 ** 32) };
  });
  test(`G1 G2 G3 G4: rounds ${begun + 1} to ${begun + ROUNDS_AT_ONCE} agree, whatever gets lost`, async () => {
    if (begun > 0) await world?.replaceEngine();
    await runAtOnce(rounds);
  });
}

test.run();
