import * as assert from 'uvu/assert';
import { REQUEST_BYTES_MAX } from '../../src/limits.ts';
import { suite } from '../harness/suite.ts';
import { echoMethod, openDoors } from './transport-doors.ts';
import type { Doors } from './transport-doors.ts';

const test = suite('transport: REST');
const rpc = echoMethod('Write');
let doors: Doors;
test.before(async () => {
  doors = await openDoors({
    restRoutes: [
      { verb: 'POST', path: '/papers', rpc, status: 201 },
      { verb: 'GET', path: '/papers/{id}', rpc },
      { verb: 'PATCH', path: '/papers/{id}', rpc },
      { verb: 'DELETE', path: '/papers/{id}', rpc },
    ],
  });
});
test.after(() => doors.drain());

interface Answer {
  readonly status: number;
  readonly body: {
    blob?: Record<string, unknown>;
    code?: string;
    reason?: string;
    message?: string;
    metadata?: Record<string, string>;
  };
  readonly headers: Headers;
}

async function ask(verb: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${doors.port}/api/v1/studio${path}`, {
    method: verb,
    headers: { authorization: `Bearer ${doors.token}`, ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'], headers: response.headers };
}

test('a body is the request’s proto JSON, in either spelling of names', async () => {
  const expected = {
    id: 'a',
    content: 'aGk=',
    contentType: 'text/plain',
    labels: { team: 'core' },
    pageSize: 3,
    text: 'hi',
  };
  for (const spelling of [
    { id: 'a', content: 'aGk=', contentType: 'text/plain', labels: { team: 'core' }, pageSize: 3 },
    { id: 'a', content: 'aGk=', content_type: 'text/plain', labels: { team: 'core' }, page_size: '3' },
  ]) {
    const { status, body } = await ask('POST', '/papers', spelling);
    assert.is(status, 201);
    assert.equal(body.blob, expected);
  }
});

test('text stands for content, and comes beside the content of text and JSON', async () => {
  assert.is((await ask('POST', '/papers', { text: 'grüße 🌍' })).body.blob?.['text'], 'grüße 🌍');
  assert.is(
    (await ask('PATCH', '/papers/a', { text: '{"a":1}', contentType: 'application/json' })).body.blob?.['text'],
    '{"a":1}',
  );
  assert.is(
    (await ask('PATCH', '/papers/a', { text: '{}', contentType: 'application/geo+json' })).body.blob?.['text'],
    '{}',
  );
  assert.is((await ask('PATCH', '/papers/a', { text: 'x', contentType: 'image/png' })).body.blob?.['text'], undefined);
  for (const wrong of [{ text: 'a', content: 'YQ==' }, { text: 7 }, '{"text":"\\ud800"}']) {
    const { status, body } = await ask('POST', '/papers', wrong);
    assert.equal([status, body.reason, body.metadata], [400, 'FIELD_INVALID', { field: 'text' }]);
  }
});

test('path and query name the request’s fields', async () => {
  const { status, body } = await ask(
    'GET',
    '/papers/a%20b%2Fc?page_size=7&draft=true&tags=x&tags=y&labels.team=core&labels.a.b=1',
  );
  assert.is(status, 200);
  assert.equal(body.blob, {
    id: 'a b/c',
    pageSize: 7,
    draft: true,
    tags: ['x', 'y'],
    labels: { team: 'core', 'a.b': '1' },
    contentType: 'text/plain',
  });
  // The path wins over what a body says.
  assert.is((await ask('PATCH', '/papers/a', { id: 'b' })).body.blob?.['id'], 'a');
});

test('If-Match gives an etag, and ETag gives it back', async () => {
  const { body, headers } = await ask('PATCH', '/papers/a', {}, { 'if-match': '"tag-1"' });
  assert.is(body.blob?.['etag'], 'tag-1');
  assert.is(headers.get('etag'), '"tag-1"');
  assert.is((await ask('GET', '/papers/a')).headers.get('etag'), null);
});

test('a weak If-Match, as a compressing proxy makes it, is the etag; one that can’t be checked is refused', async () => {
  const { body } = await ask('DELETE', '/papers/a', undefined, { 'if-match': ' W/"tag-1" ' });
  assert.is(body.blob?.['etag'], 'tag-1');
  for (const wrong of ['"tag-1", "tag-2"', 'W/"a", W/"b"', '*', 'tag-1', '""', 'W/tag-1', 'w/"tag-1"', '']) {
    for (const verb of ['PATCH', 'DELETE']) {
      const answer = await ask(verb, '/papers/a', verb === 'PATCH' ? {} : undefined, { 'if-match': wrong });
      assert.equal(
        [answer.status, answer.body.reason, answer.body.metadata],
        [400, 'FIELD_INVALID', { field: 'etag' }],
      );
    }
  }
});

test('a name that a map can’t keep is refused, not dropped; one that only looks special is kept', async () => {
  const kept = { constructor: 'a', toString: 'b', hasOwnProperty: 'c' };
  const { body } = await ask('POST', '/papers', { id: 'a', labels: kept });
  assert.equal(body.blob, { id: 'a', contentType: 'text/plain', labels: kept });
  const dropped = [
    await ask('GET', '/papers/a?labels.__proto__=v'),
    await ask('POST', '/papers', '{"id":"a","labels":{"__proto__":"v"}}'),
    await ask('POST', '/papers', '{"id":"a","labels":{"\\u005f_proto__":"v"}}'),
  ];
  for (const { status, body: refusal } of dropped) assert.equal([status, refusal.reason], [400, 'FIELD_INVALID']);
});

test('wrong queries, fields and bodies are FIELD_INVALID', async () => {
  for (const query of ['?nothing=1', '?page_size=many', '?draft=perhaps', '?labels=x', '?page_size.x=1']) {
    const { status, body } = await ask('GET', `/papers/a${query}`);
    assert.equal([status, body.code, body.reason], [400, 'invalid_argument', 'FIELD_INVALID'], query);
  }
  for (const sent of ['{', '[]', 'null', '"x"', { nothing: 1 }, { pageSize: 'x' }, { content: '***' }]) {
    const { status, body } = await ask('POST', '/papers', sent);
    assert.equal([status, body.code, body.reason], [400, 'invalid_argument', 'FIELD_INVALID'], JSON.stringify(sent));
  }
  assert.is((await ask('GET', '/papers/%E0%A4%A')).body.reason, 'FIELD_INVALID');
});

test('an error is {code, reason, message, metadata} under the status of its code', async () => {
  const { status, body } = await ask('GET', '/papers/fail');
  assert.is(status, 404);
  assert.equal(body, {
    code: 'not_found',
    reason: 'BLOB_NOT_FOUND',
    message: 'There is no blob "fail".',
    metadata: { blob_id: 'fail' },
  });
});

test('without a good token there is a 401 that says why', async () => {
  const missing = await ask('GET', '/papers/a', undefined, { authorization: '' });
  assert.equal(
    [missing.status, missing.body.reason, missing.headers.get('www-authenticate')],
    [401, 'TOKEN_MISSING', 'Bearer'],
  );
  const wrong = await ask('GET', '/papers/a', undefined, { authorization: 'Bearer wrong' });
  assert.equal([wrong.status, wrong.body.reason], [401, 'TOKEN_INVALID']);
});

test('unknown paths are 404, known ones with another verb 405', async () => {
  const unknown = await ask('GET', '/elsewhere');
  assert.equal([unknown.status, unknown.body.reason], [404, 'NOT_IMPLEMENTED']);
  const verb = await ask('PUT', '/papers/a', {});
  assert.equal([verb.status, verb.headers.get('allow')], [405, 'GET, PATCH, DELETE']);
});

test('a body beyond the limit is refused, announced or not (G7)', async () => {
  const announced = await ask('POST', '/papers', { text: 'x'.repeat(REQUEST_BYTES_MAX) });
  assert.equal(
    [announced.status, announced.body.reason, announced.body.metadata?.['limit']],
    [429, 'LIMIT_EXCEEDED', 'REQUEST_BYTES_MAX'],
  );
  const chunk = new Uint8Array(1024 * 1024).fill(32);
  let chunks = 0;
  const body = new ReadableStream({
    pull: (controller) => (chunks++ > 20 ? controller.close() : controller.enqueue(chunk)),
  });
  const init = {
    method: 'POST',
    headers: { authorization: `Bearer ${doors.token}` },
    body,
    duplex: 'half',
  } as RequestInit;
  const streamed = await fetch(`http://127.0.0.1:${doors.port}/api/v1/studio/papers`, init);
  assert.is(streamed.status, 429);
  assert.is((await ask('GET', '/papers/a')).status, 200);
});

test.run();
