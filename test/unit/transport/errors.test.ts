/** What callers are told of what they sent. */
import { Code, ConnectError } from '@connectrpc/connect';
import * as assert from 'uvu/assert';
import { StudioError } from '../../../src/errors.ts';
import { ERROR_MESSAGE_BYTES_MAX, ERROR_VALUE_BYTES_MAX } from '../../../src/limits.ts';
import { metadataOfError, reasonOf, toConnectError } from '../../../src/transport/errors/error-mapping.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('errors as callers see them');

test('G7: what was sent comes back cut, whichever error it is in', () => {
  const long = '漢'.repeat(100_000);
  const studio = toConnectError(new StudioError('FIELD_INVALID', `labels["${long}"]: too long.`, { field: long }));
  const cut = toConnectError(new ConnectError(`cannot decode ${long}`, Code.InvalidArgument));
  for (const error of [studio, cut]) {
    assert.ok(Buffer.byteLength(error.rawMessage) <= ERROR_MESSAGE_BYTES_MAX);
    assert.match(error.rawMessage, /漢…$/);
    assert.is(reasonOf(error), 'FIELD_INVALID');
  }
  const { field = '' } = metadataOfError(studio);
  assert.ok(Buffer.byteLength(field) <= ERROR_VALUE_BYTES_MAX);
  assert.match(field, /^漢+…$/);
});

test('what is short is told whole', () => {
  const text = 'é'.repeat(ERROR_VALUE_BYTES_MAX / 2);
  const error = toConnectError(new StudioError('FIELD_INVALID', text, { field: text }));
  assert.equal([error.rawMessage, metadataOfError(error)['field']], [text, text]);
});

test.run();
