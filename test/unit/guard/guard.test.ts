import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Shape } from '../../../src/domain/content/shape.ts';
import { StudioError } from '../../../src/errors.ts';
import { CONTENT_DEPTH_MAX, UPDATE_BYTES_MAX, UPDATE_CLIENT_IDS_MAX, UPDATE_VALUES_MAX } from '../../../src/limits.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { suite } from '../../harness/suite.ts';
import { Replicas } from './replicas.ts';
import { run, string, type, values, write, type WrittenStruct } from './updates.ts';

const test = suite('guard');

const CONTENT_TYPES: Record<Shape, string> = {
  text: 'text/plain',
  json: 'application/json',
  rich: 'application/vnd.studio.prosemirror+yjs',
  yjs: 'application/vnd.yjs',
  binary: 'application/octet-stream',
};

function replicasOf(shape: Shape): Replicas {
  return new Replicas(shape, CONTENT_TYPES[shape]);
}

/** A text blob in which Ada, as client 7, wrote "hello". */
function hello(): Replicas {
  const replicas = replicasOf('text');
  replicas.accept(one(7, 0, string('hello', { parent: 'content' })), 'ada');
  replicas.commit();
  return replicas;
}

const one = (client: number, clock: number, ...structs: WrittenStruct[]): Uint8Array =>
  write([{ client, clock, structs }]);

function reasonOf(replicas: Replicas, update: Uint8Array, user = 'ada'): StudioError | undefined {
  const before = replicas.content();
  try {
    replicas.guard.check(update, user);
    return undefined;
  } catch (error) {
    assert.instance(error, StudioError);
    assert.is(replicas.content(), before, 'a check changes nothing');
    return error as StudioError;
  }
}

function refuses(replicas: Replicas, reason: string, update: Uint8Array, user?: string): StudioError {
  const error = reasonOf(replicas, update, user);
  assert.is(error?.reason, reason, error?.message);
  return error as StudioError;
}

test('what is wholly new is stored as the very bytes', () => {
  const replicas = hello();
  const update = one(7, 5, string('!', { origin: [7, 4] }));
  const checked = replicas.guard.check(update, 'ada');
  assert.is(checked.update, update);
  assert.ok(checked.brings);
  assert.equal(checked.newClients, []);
  assert.equal(replicas.guard.check(one(8, 0, string('x', { origin: [7, 0] })), 'bob').newClients, [8]);
});

test('G4: only what is new is stored of an update that is known in part', () => {
  const replicas = hello();
  const overlapping = write(
    [{ client: 7, clock: 0, structs: [string('hello world', { parent: 'content' })] }],
    [[7, 0, 2]],
  );
  const checked = replicas.accept(overlapping, 'ada');
  assert.ok(checked.update.byteLength < overlapping.byteLength);
  replicas.commit();
  assert.is(replicas.content(), 'llo world');
  const again = replicas.guard.check(overlapping, 'ada');
  assert.not(again.brings);
  assert.equal([...again.update], [0, 0]);
});

test('G4: a delete set that is known but for one range is stored as that range', () => {
  const replicas = hello();
  replicas.accept(write([], [[7, 1, 1]]), 'ada');
  replicas.commit();
  const checked = replicas.guard.check(write([], [[7, 0, 3]]), 'ada');
  assert.equal(
    checked.deletes.map(({ clock, end }) => [clock, end]),
    [
      [0, 1],
      [2, 3],
    ],
  );
});

test('what was accepted is known before it is committed, and forgotten if it is dropped', () => {
  const replicas = hello();
  const next = one(7, 5, string('!', { origin: [7, 4] }));
  const last = one(7, 6, string('?', { origin: [7, 5] }));
  refuses(replicas, 'UPDATE_DEPENDS_ON_MISSING', last);
  replicas.accept(next, 'ada');
  assert.is(replicas.guard.clock(7), 6);
  assert.not(replicas.guard.check(next, 'ada').brings);
  assert.ok(replicas.guard.check(last, 'ada').brings);
  replicas.drop();
  assert.is(replicas.guard.clock(7), 5);
  refuses(replicas, 'UPDATE_DEPENDS_ON_MISSING', last);
});

test('G6: structs that depend on something missing are refused with what is missing', () => {
  const replicas = hello();
  const gap = refuses(replicas, 'UPDATE_DEPENDS_ON_MISSING', one(7, 6, string('x', { origin: [7, 4] })));
  assert.is(gap.metadata['missing'], '7:5');
  const origin = refuses(replicas, 'UPDATE_DEPENDS_ON_MISSING', one(8, 0, string('x', { origin: [9, 3] })));
  assert.is(origin.metadata['missing'], '9:0');
  refuses(replicas, 'UPDATE_DEPENDS_ON_MISSING', one(8, 0, string('x', { origin: [7, 4], right: [9, 3] })));
  refuses(replicas, 'UPDATE_DEPENDS_ON_MISSING', one(8, 0, string('x', { parent: [9, 3] })));
});

test('G6: a deletion of clocks nobody knows is refused: it would delete what its victim types later', () => {
  const replicas = hello();
  assert.is(write([], [[7, 5, 3]]).byteLength, 6);
  refuses(replicas, 'UPDATE_DELETES_UNKNOWN', write([], [[7, 5, 3]]));
  refuses(replicas, 'UPDATE_DELETES_UNKNOWN', write([], [[7, 4, 2]]));
  refuses(replicas, 'UPDATE_DELETES_UNKNOWN', write([], [[99, 0, 1]]));
  assert.is(
    reasonOf(replicas, write([{ client: 7, clock: 5, structs: [string('ab', { origin: [7, 4] })] }], [[7, 3, 4]])),
    undefined,
  );
});

test('an update that refers to itself, to later structs or in a circle is refused', () => {
  const replicas = hello();
  refuses(replicas, 'UPDATE_MALFORMED', one(8, 0, string('x', { origin: [8, 0] })));
  refuses(replicas, 'UPDATE_MALFORMED', one(8, 0, string('x', { origin: [8, 1] }), string('y', { origin: [7, 0] })));
  const circle = write([
    { client: 8, clock: 0, structs: [string('x', { origin: [9, 0] })] },
    { client: 9, clock: 0, structs: [string('y', { origin: [8, 0] })] },
  ]);
  refuses(replicas, 'UPDATE_MALFORMED', circle);
  refuses(replicas, 'UPDATE_MALFORMED', one(8, 0, string('x', { origin: [7, 3], right: [7, 1] })));
});

test('garbage, truncation, bytes after the end and skipped structs are UPDATE_MALFORMED', () => {
  const replicas = hello();
  const good = one(8, 0, string('text', { origin: [7, 0] }));
  for (let cut = 0; cut < good.length; cut++) refuses(replicas, 'UPDATE_MALFORMED', good.subarray(0, cut));
  refuses(replicas, 'UPDATE_MALFORMED', Buffer.concat([good, Uint8Array.of(0)]));
  refuses(replicas, 'UPDATE_MALFORMED', one(7, 5, run(10, 3)));
  refuses(replicas, 'UPDATE_MALFORMED', one(8, 0, string('', { parent: 'content' })));
  refuses(replicas, 'UPDATE_MALFORMED', one(8, 0, run(0, 0)));
  const section = { client: 8, clock: 0, structs: [string('x', { origin: [7, 0] })] };
  refuses(replicas, 'UPDATE_MALFORMED', write([section, section]));
});

test('a known range with other content is CLIENT_ID_REUSED', () => {
  const replicas = hello();
  refuses(replicas, 'CLIENT_ID_REUSED', one(7, 0, string('hexlo', { parent: 'content' })));
  refuses(replicas, 'CLIENT_ID_REUSED', one(7, 3, string('xo!', { origin: [7, 2] })));
  refuses(replicas, 'CLIENT_ID_REUSED', one(7, 3, string('lo!', { origin: [7, 1] })));
  assert.is(reasonOf(replicas, one(7, 3, string('lo!', { origin: [7, 2] }))), undefined);
  const accepted = one(7, 5, string('!', { origin: [7, 4] }));
  replicas.accept(accepted, 'ada');
  refuses(replicas, 'CLIENT_ID_REUSED', one(7, 5, string('?', { origin: [7, 4] })));
  // What is deleted has no content to compare.
  replicas.accept(write([], [[7, 0, 2]]), 'ada');
  replicas.commit();
  assert.is(reasonOf(replicas, one(7, 0, string('hello!', { parent: 'content' }))), undefined);
});

test('JSON, marks and types that are sent again otherwise are CLIENT_ID_REUSED', () => {
  const json = replicasOf('json');
  json.accept(one(7, 0, type(1, { parent: 'content', sub: 'root' }), values([1], { parent: [7, 0], sub: 'a' })), 'ada');
  json.commit();
  refuses(json, 'CLIENT_ID_REUSED', one(7, 1, values([2], { parent: [7, 0], sub: 'a' })));
  refuses(json, 'CLIENT_ID_REUSED', one(7, 0, type(0, { parent: 'content', sub: 'root' })));
  assert.not(json.guard.check(one(7, 1, values([1], { parent: [7, 0], sub: 'a' })), 'ada').brings);
});

test('a client id of another user or of the server brings nothing, but may be sent again', () => {
  const replicas = hello();
  refuses(replicas, 'CLIENT_ID_FOREIGN', one(7, 5, string('!', { origin: [7, 4] })), 'bob');
  assert.not(replicas.guard.check(one(7, 0, string('hello', { parent: 'content' })), 'bob').brings);
  replicas.owners.set(11, '');
  refuses(replicas, 'CLIENT_ID_FOREIGN', one(11, 0, string('!', { origin: [7, 4] })));
  // Also while the first use is not committed yet.
  replicas.accept(one(12, 0, string('a', { origin: [7, 4] })), 'ada');
  refuses(replicas, 'CLIENT_ID_FOREIGN', one(12, 1, string('b', { origin: [12, 0] })), 'bob');
});

test('the wrong root is UPDATE_ROOT_FORBIDDEN', () => {
  refuses(hello(), 'UPDATE_ROOT_FORBIDDEN', one(8, 0, string('x', { parent: 'other' })));
  refuses(replicasOf('json'), 'UPDATE_ROOT_FORBIDDEN', one(8, 0, values([1], { parent: 'content', sub: 'other' })));
  refuses(replicasOf('json'), 'UPDATE_ROOT_FORBIDDEN', one(8, 0, values([1], { parent: 'content' })));
  refuses(replicasOf('rich'), 'UPDATE_ROOT_FORBIDDEN', one(8, 0, type(3, { parent: 'content' })));
  refuses(
    replicasOf('binary'),
    'UPDATE_ROOT_FORBIDDEN',
    one(8, 0, values(['hash'], { parent: 'content', sub: 'root' })),
  );
  refuses(hello(), 'UPDATE_ROOT_FORBIDDEN', one(8, 0, run(1, 3, { parent: 'other' })));
});

test('the wrong kind of content is UPDATE_CONTENT_FORBIDDEN', () => {
  const text = hello();
  refuses(text, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, type(1, { parent: 'content' })));
  refuses(text, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, values([1], { origin: [7, 1] })));
  refuses(text, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, string('x', { parent: 'content', sub: 'key' })));
  const json = replicasOf('json');
  const root = { parent: 'content', sub: 'root' };
  for (const value of [{ a: 1 }, [1], undefined, 10n, Uint8Array.of(1), NaN, Infinity]) {
    refuses(json, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, values([value], root)));
  }
  refuses(json, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, values([1, 2], root)));
  refuses(json, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, type(2, root)));
  refuses(json, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, string('x', root)));
  refuses(json, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, type(1, root), values([1], { parent: [8, 0] })));
  refuses(json, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, type(0, root), values([1], { parent: [8, 0], sub: 'k' })));
  const rich = replicasOf('rich');
  refuses(rich, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, string('x', { parent: 'default' })));
  refuses(rich, 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, type(1, { parent: 'default' })));
  const doc = {
    ref: 9,
    parent: 'any',
    content: (encoder: encoding.Encoder): void => encoding.writeVarString(encoder, 'guid'),
  };
  refuses(replicasOf('yjs'), 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, doc));
  const proto = values([JSON.parse('{"__proto__":1}')], { parent: 'any' });
  refuses(replicasOf('yjs'), 'UPDATE_CONTENT_FORBIDDEN', one(8, 0, proto));
});

test('a struct in something that is no type, or between two in different places, is refused', () => {
  refuses(hello(), 'UPDATE_MALFORMED', one(8, 0, string('x', { parent: [7, 1] })));
  const json = replicasOf('json');
  const first = [
    type(0, { parent: 'content', sub: 'root' }),
    values([1], { parent: [7, 0] }),
    type(0, { origin: [7, 1] }),
  ];
  json.accept(one(7, 0, ...first, values([2], { parent: [7, 2] })), 'ada');
  json.commit();
  refuses(json, 'UPDATE_MALFORMED', one(8, 0, values([3], { origin: [7, 1], right: [7, 3] })));
});

test('G7: updates that are small but cost much are refused before they cost it', () => {
  const memory = process.memoryUsage().rss;
  const took = processorMs(() => {
    const count = { client: 8, clock: 0, structs: [], count: 30_000_000 };
    assert.ok(write([count]).byteLength < 10);
    refuses(hello(), 'UPDATE_MALFORMED', write([count]));
    const nested = Array.from({ length: 5_000 }, (_, index) =>
      type(1, index === 0 ? { parent: 'content', sub: 'root' } : { parent: [8, index - 1], sub: 'k' }),
    );
    refuses(replicasOf('json'), 'UPDATE_TOO_COMPLEX', one(8, 0, ...nested));
    const strangers = Array.from({ length: 40_000 }, (_, index) => ({
      client: 100 + index,
      clock: 5,
      structs: [string('x', { origin: [99, index] })],
    }));
    assert.ok(
      ['UPDATE_DEPENDS_ON_MISSING', 'UPDATE_TOO_COMPLEX'].includes(reasonOf(hello(), write(strangers))?.reason ?? ''),
    );
    const deep = (depth: number): WrittenStruct => ({
      ref: 5,
      parent: 'any',
      content: (encoder) => encoding.writeVarString(encoder, '['.repeat(depth) + ']'.repeat(depth)),
    });
    refuses(replicasOf('yjs'), 'UPDATE_TOO_COMPLEX', one(8, 0, deep(1_000_000)));
    assert.is(reasonOf(replicasOf('yjs'), one(8, 0, deep(CONTENT_DEPTH_MAX))), undefined);
    refuses(hello(), 'UPDATE_TOO_COMPLEX', new Uint8Array(UPDATE_BYTES_MAX + 1));
    refuses(hello(), 'UPDATE_TOO_COMPLEX', one(8, 0, run(0, 2 ** 40)));
  });
  assert.ok(took < 3_000, 'in little time');
  assert.ok(process.memoryUsage().rss - memory < 200e6, 'in little memory');
});

test('what the server makes of whole content may come to more than others may send', () => {
  const root = type(0, { parent: 'content', sub: 'root' });
  const many = Array<number>(UPDATE_VALUES_MAX + 1).fill(1);
  const update = one(8, 0, root, values(many, { parent: [8, 0] }));
  refuses(replicasOf('json'), 'UPDATE_TOO_COMPLEX', update);
  const json = replicasOf('json');
  json.guard.acceptAuthored(update);
  assert.is(json.guard.clock(8), many.length + 1);
});

test('G7: an update that brings edits of too many client ids is UPDATE_TOO_COMPLEX', () => {
  const sections = Array.from({ length: UPDATE_CLIENT_IDS_MAX + 1 }, (_, index) => ({
    client: 100 + index,
    clock: 0,
    structs: [string('x', { origin: [7, 0] })],
  }));
  refuses(hello(), 'UPDATE_TOO_COMPLEX', write(sections));
  // So many at one place may be slow to put in order: they are tried first.
  refuses(hello(), 'UPDATE_TOO_COMPLEX', write(sections.slice(1)));
  assert.is(hello().guard.check(write(sections.slice(1)), 'ada', true).sections.length, UPDATE_CLIENT_IDS_MAX);
});

test('the second half of a surrogate pair that is known in part is taken as Yjs would split it', () => {
  const replicas = replicasOf('text');
  replicas.accept(one(7, 0, string('a\ufffd', { parent: 'content' })), 'ada');
  replicas.commit();
  // The client's own document still has the pair whole.
  const checked = replicas.accept(one(7, 0, string('a😀b', { parent: 'content' })), 'ada');
  assert.ok(checked.brings);
  replicas.commit();
  assert.is(replicas.content(), 'a\ufffd\ufffdb');
  replicas.requireAgreement();
});

test('an update of the server itself is known like any other, and its client id is nobody else’s', () => {
  const replicas = hello();
  const authoring = new Y.Doc();
  Y.applyUpdate(authoring, Y.encodeStateAsUpdate(replicas.live));
  authoring.clientID = 50;
  authoring.getText('content').insert(5, ' all');
  const update = Y.encodeStateAsUpdate(authoring, Y.encodeStateVector(replicas.live));
  replicas.guard.acceptAuthored(update);
  assert.is(replicas.guard.clock(50), 4);
  assert.not(replicas.guard.check(update, 'ada').brings);
  refuses(replicas, 'CLIENT_ID_FOREIGN', one(50, 4, string('!', { origin: [50, 3] })));
  assert.ok(replicas.guard.check(one(7, 5, string('!', { origin: [50, 3] })), 'ada').brings);
});

test.run();
