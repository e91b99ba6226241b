import * as assert from 'uvu/assert';
import { ContentChecks } from '../../../src/workers/content-checks.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('content checks in a thread');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const of = (schema: unknown, content: string) => ({
  schema: JSON.stringify(schema),
  field: 'input_schema',
  content: bytes(content),
  contentType: 'application/json',
});

/** Each level tries the next one twice: 2^depth looks at one value. */
function doubling(depth: number, last: unknown): unknown {
  const $defs: Record<string, unknown> = { [`a${depth}`]: last };
  for (let level = 0; level < depth; level++) {
    const $ref = `#/$defs/a${level + 1}`;
    $defs[`a${level}`] = { anyOf: [{ $ref }, { $ref }] };
  }
  return { $defs, $ref: '#/$defs/a0' };
}

let checks: ContentChecks;
test.before.each(() => {
  checks = new ContentChecks();
});
test.after.each(() => checks.close());

test('what fits, what does not, and what is not JSON', async () => {
  assert.is(await checks.check(of({ type: 'number' }, '1')), undefined);
  assert.match(String(await checks.check(of({ type: 'number' }, '"a"'))), /must be number/);
  assert.match(String(await checks.check(of({ type: 'number' }, '{'))), /JSON/);
  assert.match(String(await checks.check(of({ type: 'nonsense' }, '1'))), /is not a JSON Schema/);
});

for (const [what, schema, content] of [
  ['doubles at every level', doubling(40, { not: {} }), '1'],
  [
    'compares every item with every other',
    { uniqueItems: true },
    JSON.stringify(Array.from({ length: 200_000 }, (_, at) => [at])),
  ],
] as const) {
  test(`G7 a schema that ${what} is ended, holds up nobody, and others are checked after it`, async () => {
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 10);
    const slow = checks.check(of(schema, content));
    const next = checks.check(of({ type: 'number' }, '1'));
    assert.match(String(await slow), /^the schema takes too (long|much memory)/);
    clearInterval(ticking);
    assert.ok(turns > 10, `the main thread had ${turns} turns meanwhile`);
    assert.is(await next, undefined);
  });
}

test('patterns: one of them must occur; none of them matches all; one that is none matches nothing', async () => {
  const match = (...patterns: string[]) =>
    checks.match({ patterns, field: 'trigger_patterns', content: bytes('a TODO b') });
  assert.is(await match('^nothing$', 'TODO'), undefined);
  assert.is(await match(), undefined);
  assert.equal(await match('^TODO'), { why: 'no pattern matches the content', isGivenUp: false });
  assert.match(String((await match('('))?.why), /is not an RE2 regular expression/);
});

test('after it is closed there is no answer, and who waited is told', async () => {
  const waiting = checks.check(of(doubling(40, { not: {} }), '1'));
  checks.close();
  await waiting.then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /stopping/),
  );
});

test.run();
