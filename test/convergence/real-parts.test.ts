/** The same rounds on a real database and a real NATS, many at once through three engines. */
import { startParts, type TestParts } from '../harness/parts.ts';
import { Random } from '../harness/random.ts';
import { suite } from '../harness/suite.ts';
import { ROUND_KINDS, type KindName } from './kinds.ts';
import { RealWorld } from './real-world.ts';
import { runRound } from './round.ts';

const test = suite('convergence on real parts', { timeoutMs: 240_000 });
const KINDS = Object.keys(ROUND_KINDS) as KindName[];
const ROUNDS_PER_KIND = 3;
const BATCHES = 2;
const STEPS = 35;
const SEED = 7;
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

for (let batch = 0; batch < BATCHES; batch++) {
  test(`G1 G2 G3 G4: ${KINDS.length * ROUNDS_PER_KIND} rounds at once agree, whatever gets lost (${batch})`, async () => {
    // One of the seeds that CI runs each time; TEST_SEED runs others.
    const random = new Random(Number(process.env['TEST_SEED'] ?? SEED) + batch);
    if (!world) throw new Error('There is no world.');
    const shared = world;
    if (batch > 0) await shared.replaceEngine();
    const rounds = KINDS.flatMap((kind) =>
      Array.from({ length: ROUNDS_PER_KIND }, async (_, index) => {
        await runRound({
          world: shared,
          random: new Random(random.int(0, 2 ** 32)),
          kind,
          blobId: `${kind}-${batch}-${index}-${random.seed}`,
          processes: 3,
          steps: STEPS,
        });
      }),
    );
    const failed = (await Promise.allSettled(rounds)).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  });
}

test.run();
