import * as assert from 'uvu/assert';
import { suite } from '../harness/suite.ts';
import { eventually } from '../harness/eventually.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, textOf } from './providers-world.ts';

const test = suite('schemas that take too long', { timeoutMs: 60_000 });
let world: World;

test.before(async () => {
  world = await startWorld();
});
test.after(async () => {
  await world?.stop();
});

test('G7 the run fails with a sentence that says so, and the runs of others go on', async () => {
  const depth = 40;
  const $defs: Record<string, unknown> = { [`a${depth}`]: { not: {} } };
  for (let level = 0; level < depth; level++) {
    const $ref = `#/$defs/a${level + 1}`;
    $defs[`a${level}`] = { anyOf: [{ $ref }, { $ref }] };
  }
  const [scene, other] = [newScene(world), newScene(world)];
  await scene.register({ inputSchema: JSON.stringify({ $defs, $ref: '#/$defs/a0' }) });
  const provider = await other.register();
  const source = await scene.create('slow');
  const fine = await other.create('text');
  assert.is(textOf(await other.fresh(fine.id, provider)), 'Expanded:\ntext');
  const run = await eventually('the run fails', async () => {
    const [execution] = await world.executions({ root_id: source.id, status: 'failed' });
    return execution;
  });
  assert.is(run.error?.reason, 'INPUT_SCHEMA_MISMATCH');
  assert.match(String(run.error?.message), /takes too (long|much memory) to check/);
});

test.run();
