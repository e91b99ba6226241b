/** G7: the same for what comes as text, JSON, tokens and requests. */
import { fromBinary, toBinary, create } from '@bufbuild/protobuf';
import * as assert from 'uvu/assert';
import { parseJson } from '../../../src/domain/content/json-value.ts';
import { decodeText } from '../../../src/domain/content/text.ts';
import { applyJsonPatch } from '../../../src/domain/edit/json-patch.ts';
import { applyMergePatch } from '../../../src/domain/edit/merge-patch.ts';
import { resolveEdits } from '../../../src/domain/edit/text-edits.ts';
import { decodePageToken, encodePageToken } from '../../../src/domain/page-token.ts';
import { compilePatterns } from '../../../src/domain/derivation/pattern.ts';
import { StudioError } from '../../../src/errors.ts';
import { decodeCursor, encodeCursor } from '../../../src/events/cursor.ts';
import { ListBlobsRequestSchema } from '../../../src/gen/memmie/studio/v1/blob_service_pb.ts';
import { OffsetEncoding } from '../../../src/gen/memmie/studio/v1/delta_pb.ts';
import { ApplyDeltaRequestSchema } from '../../../src/gen/memmie/studio/v1/delta_service_pb.ts';
import { buildRequest } from '../../../src/transport/rest/rest-request.ts';
import { createRequestValidation } from '../../../src/transport/rpc/validation.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { fuzz } from './mutation.ts';

const test = suite('fuzz: request decoders', { timeoutMs: 60_000 });
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function fuzzed(
  title: string,
  samples: readonly string[],
  decode: (bytes: Uint8Array, random: Random) => void,
  refusedMin = 200,
): void {
  test(
    title,
    seeded((random) => {
      const { refused } = fuzz((bytes) => decode(bytes, random), samples.map(bytesOf), random);
      assert.ok(refused >= refusedMin, `${refused} refused`);
    }),
  );
}

const DOCUMENT = '{"a":[1,2.5e3,{"é":null,"😀":[true,false,"\\ud83d\\ude00"]}],"b":"text","__proto__":{"c":-0.001}}';

fuzzed('text', ['plain', 'é漢😀👩‍👩‍👧', '\ufeffmarked'], (bytes) => void decodeText(bytes));
fuzzed('JSON', [DOCUMENT, '[]', '"x"', '-1.25e-7'], (bytes) => void parseJson(bytes));
fuzzed(
  'JSON Patches',
  [
    '[{"op":"add","path":"/a/0","value":{"x":[1]}},{"op":"test","path":"/b","value":"text"}]',
    '[{"op":"copy","from":"/a","path":"/c"},{"op":"move","from":"/c","path":"/a/1"},{"op":"remove","path":"/a/3/é"}]',
    '[{"op":"replace","path":"","value":1}]',
  ],
  (bytes) => void applyJsonPatch(parseJson(bytesOf(DOCUMENT)), textOf(bytes)),
);
fuzzed('merge patches', ['{"a":{"x":null},"b":[1]}', '{"__proto__":{"c":null}}', 'null'], (bytes) => {
  applyMergePatch(parseJson(bytesOf(DOCUMENT)), textOf(bytes));
});
fuzzed(
  'text edits',
  ['[[0,1,"x"],[1,0,"😀"]]', '[[0,0,""]]'],
  (bytes, random) => {
    let edits: [number, number, string][];
    try {
      edits = JSON.parse(textOf(bytes)) as [number, number, string][];
    } catch {
      return;
    }
    if (!Array.isArray(edits) || !edits.every((edit) => Array.isArray(edit) && typeof edit[2] === 'string')) return;
    resolveEdits(
      'a é漢😀 text 👩‍👩‍👧',
      edits.map(([offset, deleteCount, insert]) => ({ offset, deleteCount, insert })),
      random.pick(['code_points', 'utf16', 'utf8']),
    );
  },
  0,
);
fuzzed('page tokens', [encodePageToken(['q'], 17), encodePageToken(['q'], 'key\u0000id'), ''], (bytes) => {
  const position = decodePageToken(['q'], textOf(bytes));
  assert.ok(['string', 'number', 'undefined'].includes(typeof position));
  assert.ok(typeof position !== 'number' || (Number.isSafeInteger(position) && position >= 0));
});
fuzzed('cursors', [encodeCursor({ created: 'now', seq: 12 })], (bytes) => {
  const seq = decodeCursor(textOf(bytes), 'now');
  assert.ok(Number.isSafeInteger(seq) && seq >= 0);
});
fuzzed('patterns', ['^a+b*(c|d)[^e]{2,5}$', '\\bword\\b.*?x', '(?i)x|y'], (bytes) => {
  compilePatterns([textOf(bytes)], 'pattern');
});
fuzzed(
  'REST bodies',
  [
    '{"textEdits":{"edits":[{"offset":1,"deleteCount":2,"insert":"x"}],"encoding":"OFFSET_ENCODING_UTF8"},"fromVersion":"3"}',
    '{"yjs_update":"AAA=","request_id":"r"}',
    '{"content":"eA=="}',
  ],
  (bytes) => {
    buildRequest(ApplyDeltaRequestSchema, { fields: { blob_id: 'b' }, query: new URLSearchParams(), body: bytes });
  },
);
fuzzed(
  'REST queries',
  ['page_size=10&page_token=x&content_type=text%2Fplain', 'show_deleted=true&view=BLOB_VIEW_FULL'],
  (bytes) => {
    buildRequest(ListBlobsRequestSchema, { fields: {}, query: new URLSearchParams(textOf(bytes)) });
  },
);

test(
  'protobuf requests are read, or refused by the reader, and then validated',
  seeded((random) => {
    const { validate } = createRequestValidation();
    const sample = toBinary(
      ApplyDeltaRequestSchema,
      create(ApplyDeltaRequestSchema, {
        blobId: 'b',
        fromVersion: 3n,
        patch: {
          case: 'textEdits',
          value: { edits: [{ offset: 1, deleteCount: 2, insert: 'x' }], encoding: OffsetEncoding.UTF8 },
        },
      }),
    );
    const decode = (bytes: Uint8Array): void => {
      let request;
      try {
        request = fromBinary(ApplyDeltaRequestSchema, bytes);
      } catch (error) {
        // What the doors answer with invalid_argument.
        throw new StudioError('FIELD_INVALID', String(error));
      }
      validate(ApplyDeltaRequestSchema, request);
    };
    assert.ok(fuzz(decode, [sample], random).refused > 500);
  }),
);

test('a page token that anyone can make names no more than a place', () => {
  for (const position of [-1, 0.5, 1e300, { $gt: '' }, ['x'], null, true]) {
    assert.throws(
      () => decodePageToken(['q'], encodePageToken(['q'], position)),
      (error: StudioError) => error.reason === 'PAGE_TOKEN_INVALID',
    );
  }
});

test('a JSON Patch of a thousand operations on a large document ends soon', () => {
  const large = parseJson(bytesOf(`[${'0,'.repeat(2_000_000)}0]`));
  const thousand = (operation: object): string => JSON.stringify(Array.from({ length: 1_000 }, () => operation));
  const text = parseJson(bytesOf(JSON.stringify({ a: Array.from({ length: 100_000 }, () => 'abcdefghij'), b: 0 })));
  const took = processorMs(() => {
    const longer = applyJsonPatch(large, thousand({ op: 'add', path: '/0', value: 1 }));
    assert.is((longer as readonly unknown[]).length, 2_001_001);
    assert.throws(
      () => applyJsonPatch(text, thousand({ op: 'copy', from: '/a', path: '/b' })),
      (error: StudioError) => error.reason === 'CONTENT_TOO_LARGE',
    );
  });
  assert.ok(took < 5_000, `${took} ms`);
});

test.run();
