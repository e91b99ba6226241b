import * as assert from 'uvu/assert';
import { StudioError } from '../../../src/errors.ts';
import { COMMIT_TRIES_MAX } from '../../../src/limits.ts';
import { verdictOn } from '../../../src/workers/refused-commits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('workers/refused-commits');

const over = (limit: string): StudioError => new StudioError('LIMIT_EXCEEDED', '', { limit });

for (const [what, error, atFirst, atLast] of [
  ['a content that is none', new StudioError('CONTENT_INVALID', ''), 'failed', 'failed'],
  ['a content that is too large', new StudioError('CONTENT_TOO_LARGE', ''), 'failed', 'failed'],
  ['a change that is too large', over('COMMIT_BYTES_MAX'), 'failed', 'failed'],
  ['rooms that are full', over('ROOMS_LOADED_MAX'), 'again', 'put_off'],
  ['any other limit', over('SOMETHING_MAX'), 'again', 'put_off'],
  ['a parent that is on its way', new StudioError('PARENT_NOT_FOUND', ''), 'again', 'put_off'],
  ['a blob that can’t be loaded', new StudioError('BLOB_QUARANTINED', ''), 'put_off', 'put_off'],
  ['a database that is away', new StudioError('STORAGE_UNAVAILABLE', ''), 'again', 'again'],
  ['anything else that is thrown', StudioError.from(new SyntaxError('x')), 'again', 'failed'],
] as const) {
  test(`G9 ${what}: ${atFirst} at first, ${atLast} at last`, () => {
    assert.is(verdictOn(error, 1), atFirst);
    assert.is(verdictOn(error, COMMIT_TRIES_MAX), atLast);
  });
}

test.run();
