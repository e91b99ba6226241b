import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import { writeSyncStep1, writeSyncStep2, writeUpdate } from 'y-protocols/sync';
import * as Y from 'yjs';
import { REASON_CODES, StudioError, type Reason } from '../../../src/errors.ts';
import { CLOSE_REASON_BYTES_MAX } from '../../../src/limits.ts';
import {
  CLOSE_NO_TOKEN,
  CLOSE_RESTART,
  CLOSE_SLOW_READER,
  closeCode,
  closeReason,
  refusalOfAnswer,
} from '../../../src/transport/sync/close-codes.ts';
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

/** Clients act by them: y-websocket's stops for good after 4400 to 4499, and comes back after any other. */
const CLOSE_CODES: Readonly<Record<number, string>> = {
  1012: 'DRAINING',
  4400: 'BLOB_ALREADY_EXISTS VERSION_NAME_TAKEN PROVIDER_ALREADY_EXISTS LAST_OWNER FIELD_INVALID PAGE_TOKEN_INVALID CURSOR_INVALID CONTENT_TYPE_UNSUPPORTED CONTENT_FORMAT_UNSUPPORTED CONTENT_INVALID PATCH_UNSUPPORTED EDIT_OUT_OF_RANGE EDIT_SPLITS_CHARACTER BASE_VERSION_UNKNOWN UPDATE_MALFORMED UPDATE_ROOT_FORBIDDEN UPDATE_CONTENT_FORBIDDEN SCHEMA_INVALID PATTERN_INVALID PROVIDER_INVALID PROVIDER_INPUT_UNSUPPORTED LINEAGE_LIMIT NOT_IMPLEMENTED',
  4401: 'TOKEN_MISSING TOKEN_INVALID TOKEN_EXPIRED',
  4403: 'ACCESS_DENIED PREVIOUS_DELTA_FOREIGN WORKFLOW_FORBIDDEN',
  4404: 'BLOB_NOT_FOUND VERSION_NOT_FOUND VERSION_THINNED DELTA_NOT_FOUND PROVIDER_NOT_FOUND EXECUTION_NOT_FOUND PARENT_NOT_FOUND PREVIOUS_DELTA_UNKNOWN',
  4409: 'CLIENT_ID_FOREIGN CLIENT_ID_REUSED',
  4410: 'BLOB_DELETED',
  4413: 'CONTENT_TOO_LARGE UPDATE_TOO_COMPLEX',
  4500: 'BLOB_QUARANTINED INTERNAL',
  4503: 'ETAG_MISMATCH LIMIT_EXCEEDED CHAIN_TOO_LONG STORAGE_UNAVAILABLE EVENTS_UNAVAILABLE IDENTITY_UNAVAILABLE WORKFLOWS_UNAVAILABLE DEADLINE_EXCEEDED CANCELLED',
  4509: 'UPDATE_DEPENDS_ON_MISSING UPDATE_DELETES_UNKNOWN',
};

test('an editor stops trying only after what trying again cannot mend', () => {
  const codes: Record<number, string> = {};
  for (const reason of Object.keys(REASON_CODES) as Reason[]) {
    const code = closeCode(new StudioError(reason, 'x'));
    codes[code] = codes[code] ? `${codes[code]} ${reason}` : reason;
  }
  assert.equal(codes, CLOSE_CODES);
  assert.is(closeCode(refusalOfAnswer(new StudioError('CLIENT_ID_FOREIGN', 'x'))), 4509);
  assert.equal([CLOSE_RESTART, CLOSE_SLOW_READER, CLOSE_NO_TOKEN], [1012, 1013, 4408]);
});

test('a close reason fits its frame and does not split a character', () => {
  const reason = closeReason(new StudioError('CONTENT_INVALID', '漢'.repeat(100)));
  assert.ok(Buffer.byteLength(reason) <= CLOSE_REASON_BYTES_MAX);
  assert.ok(/^CONTENT_INVALID: 漢+$/.test(reason), reason);
});

test.run();
