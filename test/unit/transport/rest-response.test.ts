import * as assert from 'uvu/assert';
import { withText } from '../../../src/transport/rest/rest-response.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('rest: answers');

const shown = (blob: { readonly contentType: string; readonly content?: string; readonly contentHash?: string }) =>
  (withText({ blob }) as { blob: { text?: string } }).blob.text;

test('text comes beside the content of text and JSON, of empty content too, and of no binary', () => {
  assert.is(shown({ contentType: 'text/plain', content: 'aGk=', contentHash: 'h' }), 'hi');
  assert.is(shown({ contentType: 'text/plain', contentHash: 'h' }), '');
  assert.is(shown({ contentType: 'text/plain' }), undefined, 'the content was not asked for');
  for (const contentType of ['application/json', 'application/json; charset=utf-8', 'application/geo+json'])
    assert.is(shown({ contentType, content: 'e30=' }), '{}', contentType);
  assert.is(shown({ contentType: 'application/vnd.studio.prosemirror+yjs', content: 'e30=' }), '{}');
  for (const contentType of ['application/json-seq', 'application/vnd.studio.prosemirror+yjs2', 'image/png'])
    assert.is(shown({ contentType, content: 'e30=' }), undefined, contentType);
});

test.run();
