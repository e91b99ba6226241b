import * as assert from 'uvu/assert';
import { eventually } from '../harness/eventually.ts';
import { Random } from '../harness/random.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, textOf } from './providers-world.ts';

const test = suite('schemas and patterns that take too long', { timeoutMs: 60_000 });
let world: World;

test.before(async () => {
  world = await startWorld();
});
test.after(async () => {
  await world?.stop();
});

/** Each level tries the next one twice: 2^depth looks at one value. */
function doubling(depth: number): string {
  const $defs: Record<string, unknown> = { [`a${depth}`]: { not: {} } };
  for (let level = 0; level < depth; level++) {
    const $ref = `#/$defs/a${level + 1}`;
    $defs[`a${level}`] = { anyOf: [{ $ref }, { $ref }] };
  }
  return JSON.stringify({ $defs, $ref: '#/$defs/a0' });
}

/** Linear in the text, at some 60 µs a character. */
const SLOW_PATTERN = 'a(?:(?:[ab]{0,30}){0,30})c';
const random = new Random(1);
const SLOW_TEXT = `c${Array.from({ length: 200_000 }, () => random.pick(['a', 'b'])).join('')}`;

test('G7 the runs fail with a sentence that says so, and the runs of others go on', async () => {
  const [schemas, patterns, other] = [newScene(world), newScene(world), newScene(world)];
  await schemas.register({ inputSchema: doubling(40) });
  await patterns.register({ triggerPatterns: [SLOW_PATTERN] });
  const provider = await other.register();
  const slow = [await schemas.create('slow'), await patterns.create(SLOW_TEXT)];
  const fine = await other.create('text');
  assert.is(textOf(await other.fresh(fine.id, provider)), 'Expanded:\ntext');
  const runs = slow.map(({ id }) =>
    eventually('the run fails', async () => (await world.executions({ root_id: id, status: 'failed' }))[0]),
  );
  const [bySchema, byPattern] = await Promise.all(runs);
  assert.is(bySchema?.error?.reason, 'INPUT_SCHEMA_MISMATCH');
  assert.match(String(bySchema?.error?.message), /the schema takes too (long|much memory) to check/);
  assert.is(byPattern?.error?.reason, 'PATTERN_UNMATCHED');
  assert.match(String(byPattern?.error?.message), /the patterns take too (long|much memory) to check/);
});

test.run();
