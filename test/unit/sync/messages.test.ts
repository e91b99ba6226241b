import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import { writeSyncStep1, writeSyncStep2, writeUpdate } from 'y-protocols/sync';
import * as Y from 'yjs';
import { REASON_CODES, StudioError, type Reason } from '../../../src/errors.ts';
import { CLOSE_REASON_BYTES_MAX } from '../../../src/limits.ts';
import { closeCode, closeReason } from '../../../src/transport/sync/close-codes.ts';
import { readMessage } from '../../../src/transport/sync/messages.ts';
import { step1Message, step2Message, updateMessage } from '../../integration/sync-messages.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('sync messages');

function stock(write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0);
    write(encoder);
  });
}

test('messages are byte for byte those of y-protocols', () => {
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'x'.repeat(300));
  const update = Y.encodeStateAsUpdate(doc);
  assert.equal(
    step1Message(Y.encodeStateVector(doc)),
    stock((encoder) => writeSyncStep1(encoder, doc)),
  );
  assert.equal(
    step2Message(update),
    stock((encoder) => writeSyncStep2(encoder, doc)),
  );
  assert.equal(
    updateMessage(update),
    stock((encoder) => writeUpdate(encoder, update)),
  );
  assert.equal(readMessage(updateMessage(update)), { kind: 'update', update, answer: false });
  assert.equal(readMessage(step2Message(update)), { kind: 'update', update, answer: true });
});

test(
  'whatever bytes come, reading gives a message or UPDATE_MALFORMED',
  seeded((random) => {
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = random.bytes(random.int(0, 12));
      if (bytes.length > 0 && random.chance(0.7)) bytes[0] = random.int(0, 5);
      try {
        readMessage(bytes);
      } catch (error) {
        assert.ok(error instanceof StudioError && error.reason === 'UPDATE_MALFORMED', String(error));
      }
    }
  }),
);

test('an editor stops trying only after what trying again cannot mend', () => {
  const transient = ['unavailable', 'aborted', 'internal', 'deadline_exceeded', 'canceled'];
  for (const reason of Object.keys(REASON_CODES) as Reason[]) {
    const code = closeCode(new StudioError(reason, 'x'));
    const stops = code >= 4400 && code < 4500;
    if (transient.includes(REASON_CODES[reason])) assert.not.ok(stops, reason);
    assert.ok(code === 1012 || (code >= 4400 && code < 4600), reason);
  }
  assert.is(closeCode(new StudioError('TOKEN_EXPIRED', 'x')), 4401);
  assert.is(closeCode(new StudioError('BLOB_NOT_FOUND', 'x')), 4404);
});

test('a close reason fits its frame and does not split a character', () => {
  const reason = closeReason(new StudioError('CONTENT_INVALID', '漢'.repeat(100)));
  assert.ok(Buffer.byteLength(reason) <= CLOSE_REASON_BYTES_MAX);
  assert.ok(/^CONTENT_INVALID: 漢+$/.test(reason), reason);
});

test.run();
