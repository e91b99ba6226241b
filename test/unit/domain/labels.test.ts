import * as assert from 'uvu/assert';
import { requireLabels } from '../../../src/domain/labels.ts';
import { LABEL_KEY_CHARACTERS_MAX, LABEL_VALUE_CHARACTERS_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('labels');

test('characters are counted as the rules of the contract count them', () => {
  const [key, value] = ['😀'.repeat(LABEL_KEY_CHARACTERS_MAX), '😀'.repeat(LABEL_VALUE_CHARACTERS_MAX)];
  requireLabels({ [key]: value });
  const refused: Record<string, string>[] = [{ [`${key}x`]: '' }, { a: `${value}x` }, { 'a\tb': '' }, { '': '' }];
  for (const labels of refused) {
    assert.throws(() => requireLabels(labels), /At most/);
  }
});

test.run();
