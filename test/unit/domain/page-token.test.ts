import * as assert from 'uvu/assert';
import { decodePageToken, encodePageToken } from '../../../src/domain/page-token.ts';
import { StudioError } from '../../../src/errors.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('domain/page-token');

test('a token is of its query, in whatever order the keys of its maps come', () => {
  const query = { scope: 'own', labels: { team: 'core', stage: 'draft', '10': 'x', 9: 'y' } };
  const reordered = { labels: { stage: 'draft', 9: 'y', '10': 'x', team: 'core' }, scope: 'own' };
  assert.is(decodePageToken(reordered, encodePageToken(query, 'place')), 'place');
});

test('a token of another query is refused', () => {
  const query = { ids: ['a', 'b'], labels: { a: 'b', c: 'd' }, after: new Date(1) };
  const token = encodePageToken(query, 'place');
  for (const other of [
    { ...query, ids: ['b', 'a'] },
    { ...query, labels: { a: 'd', c: 'b' } },
    { ...query, labels: { a: 'b' } },
    { ...query, after: new Date(2) },
  ]) {
    assert.throws(
      () => decodePageToken(other, token),
      (error: unknown) => error instanceof StudioError && error.reason === 'PAGE_TOKEN_INVALID',
    );
  }
});

test.run();
