import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { getTextEncoding } from '@bufbuild/protobuf/wire';
import * as assert from 'uvu/assert';
import { BlobSchema } from '../../../src/gen/memmie/studio/v1/blob_pb.ts';
import { encodeTextByBuffer } from '../../../src/transport/rpc/text-encoding.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('text encoding');
const LETTERS = ['a', 'é', '漢', '😀', '\u0000', '\ud83d', '\ude00', '\ufeff', '\u2028'];

test(
  'messages are the same bytes, and read the same, as with the encoding of the library',
  seeded((random) => {
    const own = getTextEncoding();
    const labels: Record<string, string> = {};
    for (let count = 0; count < 300; count++) {
      const text = Array.from({ length: random.int(0, 40) }, () => random.pick(LETTERS)).join('');
      labels[`label-${count}`] = text + 'x'.repeat(random.chance(0.05) ? 20_000 : 0);
    }
    const blob = create(BlobSchema, { id: 'a', userId: 'ünï', labels });
    const expected = toBinary(BlobSchema, blob);
    const read = fromBinary(BlobSchema, expected);
    encodeTextByBuffer();
    assert.is.not(getTextEncoding(), own);
    assert.equal(toBinary(BlobSchema, blob), expected);
    assert.equal(fromBinary(BlobSchema, expected), read);
    for (const text of Object.values(labels)) assert.is(getTextEncoding().checkUtf8(text), own.checkUtf8(text));
  }),
);

test.run();
