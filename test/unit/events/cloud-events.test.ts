/** Events as they are written: by hand, and read back by what reads any. */
import * as assert from 'uvu/assert';
import { bodyOf, encodeAttributes, encodeBody, blobEventsOf, givesUpdate } from '../../../src/events/cloud-events.ts';
import type { CommitOutline } from '../../../src/domain/commit-outline.ts';
import type { StudioEvent } from '../../../src/events/contract.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('cloud events');

const EVENT: StudioEvent = {
  id: '0123456789abcdef-0000000001-0.delta.applied',
  type: 'delta.applied',
  blobId: 'a-Blob_1',
  deltaId: '0123456789abcdef-0000000001-0',
  version: 2,
  operation: 'update',
  owner: 'ada',
  userId: 'bob',
  contentType: 'text/plain; charset=utf-8',
  rootId: 'root',
  time: new Date(1_700_000_000_123),
};

function bodyText(event: StudioEvent): string {
  return Buffer.from(encodeBody(event)).toString();
}

test('a request that changed nothing gives no blob.updated, and takes none from what was changed with it', () => {
  const outline = (...idle: boolean[]): CommitOutline => ({
    blobId: 'b',
    firstSeq: 1,
    lastSeq: idle.length,
    committerSeq: 1,
    owner: 'ada',
    contentType: 'text/plain',
    rootId: 'b',
    deltas: idle.map((isIdle, index) => ({
      id: `c-${index}`,
      toVersion: index + 1,
      userId: 'ada',
      operation: 'update',
      appliedAt: new Date(),
      isIdle,
    })),
  });
  const told = (commit: CommitOutline): number[] => blobEventsOf(commit).map(({ version }) => version);
  assert.equal([told(outline(true)), givesUpdate(outline(true))], [[], false]);
  assert.equal([told(outline(false, false, true)), givesUpdate(outline(false, true))], [[2], true]);
  assert.equal(told(outline(true, false)), [2]);
});

test('the body is the JSON of what it says', () => {
  for (const more of [{}, { providerId: 'p' }, { causedBy: 'c' }, { providerId: 'p', causedBy: 'c' }]) {
    const event = { ...EVENT, ...more };
    assert.is(bodyText(event), JSON.stringify(bodyOf(event)));
  }
});

test('whatever a user, a provider, a content type or a cause is called', () => {
  const names = [
    '',
    '"',
    '\\',
    '\n',
    '\u2028',
    '\u007f',
    'é',
    '😀',
    '\ud800',
    '","owner":"eve',
    'a@b.c/d+e=f',
    '</script>',
  ];
  for (const name of names) {
    const event = { ...EVENT, owner: name, userId: name, providerId: name, contentType: name, causedBy: name };
    assert.is(bodyText(event), JSON.stringify(bodyOf(event)), JSON.stringify(name));
  }
});

test('the attributes are those of the event', () => {
  const text = Buffer.from(encodeAttributes(EVENT, EVENT.time.toISOString())).toString();
  const [first, ...lines] = text.split('\r\n');
  assert.is(first, 'NATS/1.0');
  assert.equal(lines.slice(-2), ['', '']);
  assert.equal(Object.fromEntries(lines.slice(0, -2).map((line) => line.split(': '))), {
    'Nats-Msg-Id': EVENT.id,
    'ce-specversion': '1.0',
    'ce-id': EVENT.id,
    'ce-source': '/memmie/studio',
    'ce-type': 'studio.delta.applied',
    'ce-subject': EVENT.blobId,
    'ce-time': '2023-11-14T22:13:20.123Z',
    'content-type': 'application/json',
  });
});

test.run();
