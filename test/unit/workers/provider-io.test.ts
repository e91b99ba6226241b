import * as assert from 'uvu/assert';
import { PROVIDER_INLINE_CONTENT_BYTES_MAX } from '../../../src/limits.ts';
import { decodeOutput, encodeInput } from '../../../src/workers/provider-io.ts';
import { returnedBy } from '../../../src/workers/returned.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('provider input and output');
const run = { key: 'key', attempt: 0 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('text and JSON travel as they are, other bytes as base64', () => {
  const text = encodeInput({ id: 'b', version: 3, contentType: 'text/plain' }, bytes('grüß'), '{"a":1}', run);
  assert.equal(text, {
    blob_id: 'b',
    version: 3,
    content_type: 'text/plain',
    size: 6,
    content: 'grüß',
    content_encoding: 'utf8',
    execution_id: 'key',
    attempt: 1,
    config: { a: 1 },
  });
  const image = encodeInput({ id: 'b', version: 1, contentType: 'image/png' }, Uint8Array.of(255, 0), '', run);
  assert.is(image.content, '/wA=');
  assert.is(image.content_encoding, 'base64');
  assert.equal(image.config, {});
});

test('G7 content beyond the inline limit is left to be read through the API', () => {
  const blob = { id: 'b', version: 1, contentType: 'text/plain' };
  assert.is(encodeInput(blob, new Uint8Array(PROVIDER_INLINE_CONTENT_BYTES_MAX + 1), '', run).content, undefined);
  const most = bytes('a'.repeat(PROVIDER_INLINE_CONTENT_BYTES_MAX - '""'.length));
  assert.type(encodeInput(blob, most, '', run).content, 'string');
});

test('G7 content counts as it travels: what JSON escapes takes more than it has bytes', () => {
  const escapes = bytes('\u001b'.repeat(400 * 1024));
  assert.is(encodeInput({ id: 'b', version: 1, contentType: 'text/plain' }, escapes, '', run).content, undefined);
  const image = encodeInput({ id: 'b', version: 1, contentType: 'image/png' }, escapes.subarray(0, 300_000), '', run);
  assert.is(image.content?.length, 400_000);
});

test('an output is taken in both encodings', () => {
  assert.equal(decodeOutput({ content_type: 'text/plain', content: 'grüß' }), {
    contentType: 'text/plain',
    content: Buffer.from('grüß'),
  });
  const image = decodeOutput({ content_type: 'image/png', content: '/wA=', content_encoding: 'base64' });
  assert.equal([...image.content], [255, 0]);
  const bare = decodeOutput({ content_type: 'image/png', content: '/wA', content_encoding: 'base64' });
  assert.equal([...bare.content], [255, 0]);
});

for (const [what, output] of [
  ['nothing', undefined],
  ['a string', 'text'],
  ['no content type', { content: 'a' }],
  ['a senseless content type', { content_type: 'text', content: 'a' }],
  ['no content', { content_type: 'text/plain' }],
  ['bytes for content', { content_type: 'text/plain', content: [1] }],
  ['an unknown encoding', { content_type: 'text/plain', content: 'a', content_encoding: 'latin1' }],
  ['no base64', { content_type: 'image/png', content: '!!! not base64 !!!', content_encoding: 'base64' }],
  ['base64 with bits left over', { content_type: 'image/png', content: '/wB=', content_encoding: 'base64' }],
  ['base64 for addresses', { content_type: 'image/png', content: '_wA=', content_encoding: 'base64' }],
  ['a lone surrogate', { content_type: 'text/plain', content: 'a\ud800b' }],
] as const) {
  test(`an output that is ${what} is refused`, () => {
    assert.throws(() => decodeOutput(output), /^The output|The output/);
  });
}

test('G9 what names itself undecodable is passed on no deeper than any output', () => {
  let deep: unknown = 'x';
  for (let level = 0; level < 100_000; level++) deep = [deep];
  for (const returned of [{ studio_undecodable: deep }, { studio_undecodable: 'so', beside: deep }]) {
    const passed = returnedBy(returned);
    assert.not.throws(() => JSON.stringify(passed));
    assert.throws(
      () => decodeOutput(passed),
      (error: unknown) => error instanceof Error,
    );
  }
});

test.run();
