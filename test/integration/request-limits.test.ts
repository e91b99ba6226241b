/** G7: over the limits of what one user may register and one blob may carry there is a refusal that names the limit. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config.ts';
import type { ApplyDelta, StreamedDelta } from '../../src/documents/contract.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { StudioError } from '../../src/errors.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { ProviderType } from '../../src/gen/memmie/studio/v1/provider_pb.ts';
import {
  LABELS_MAX,
  PARENTS_MAX,
  PROVIDERS_PER_USER_MAX,
  STREAM_DELTAS_IN_FLIGHT_BYTES_MAX,
  STREAM_DELTAS_IN_FLIGHT_MAX,
} from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { connectAs, refused, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';

const test = suite('limits of requests');
const AT_ONCE = 50;
let parts: TestParts;
let studio: TestStudio;
let ann: StudioClient;
test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  ann = connectAs(studio.address, await studio.token('ann'));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

async function overLimit(call: Promise<unknown>, limit: string): Promise<void> {
  const error = await refused(call, 'LIMIT_EXCEEDED');
  assert.is(error.findDetails(ErrorInfoSchema)[0]?.metadata['limit'], limit);
}

/** The same by JSON. */
async function overLimitByRest(body: object, limit: string): Promise<void> {
  const response = await fetch(`${studio.address}/api/v1/studio/blobs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await studio.token('ann')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ content_type: 'text/plain', ...body }),
  });
  const { code, reason, metadata } = (await response.json()) as Record<string, unknown>;
  assert.equal([response.status, code, reason], [429, 'resource_exhausted', 'LIMIT_EXCEEDED']);
  assert.is((metadata as Record<string, string>)['limit'], limit);
}

const caller = { userId: 'ann', administrator: false };

async function withEngine(body: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openEngine(readConfig({ ...parts.environment }), pino({ level: 'silent' }));
  try {
    await body(engine);
  } finally {
    await engine.close();
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `n-${index}`);

const labels = (count: number): Record<string, string> =>
  Object.fromEntries(numbered(count).map((name) => [name, 'x'] as const));

test('parents of a blob', async () => {
  const ids = numbered(PARENTS_MAX);
  await Promise.all(ids.map((id) => ann.blobs.createBlob({ id, contentType: 'text/plain' })));
  const whole = { id: 'child', contentType: 'text/plain', parentIds: ids };
  assert.equal((await ann.blobs.createBlob(whole)).blob?.parentIds, ids);
  const tooMany = [...ids, 'child'];
  await overLimit(ann.blobs.createBlob({ ...whole, id: 'other', parentIds: tooMany }), 'PARENTS_MAX');
  await overLimitByRest({ id: 'other', parent_ids: tooMany }, 'PARENTS_MAX');
  await refused(ann.blobs.getBlob({ id: 'other' }), 'BLOB_NOT_FOUND');
});

test('parents of a blob that comes through no door', () =>
  withEngine(async ({ documents }) => {
    const parentIds = numbered(PARENTS_MAX + 1);
    const request = { content: new Uint8Array(), contentType: 'text/plain', parentIds, labels: {} };
    const outcome: unknown = await documents.createBlob(caller, request).catch((error: unknown) => error);
    assert.instance(outcome, StudioError);
    const { reason, metadata } = outcome as StudioError;
    assert.equal([reason, metadata['limit']], ['LIMIT_EXCEEDED', 'PARENTS_MAX']);
  }));

const MEBIBYTE = 1024 * 1024;
/** Of the second each says what is there already: it is taken in, held until it is answered, and makes no delta. */
const STREAMS: readonly [string, number, ApplyDelta['patch'], number][] = [
  [
    'changes',
    0,
    { kind: 'text_edits', edits: [{ offset: 0, deleteCount: 0, insert: 'x' }], encoding: 'utf16' },
    STREAM_DELTAS_IN_FLIGHT_MAX,
  ],
  [
    'bytes',
    MEBIBYTE,
    { kind: 'content', content: Buffer.alloc(MEBIBYTE, 'x') },
    STREAM_DELTAS_IN_FLIGHT_BYTES_MAX / MEBIBYTE,
  ],
];

for (const [what, size, patch, inFlight] of STREAMS)
  test(`G7: a stream whose outcomes are not taken is read up to so many ${what}`, () =>
    withEngine(async ({ documents }) => {
      const content = Buffer.alloc(size, 'x');
      const { blob } = await documents.createBlob(caller, {
        content,
        contentType: 'text/plain',
        parentIds: [],
        labels: {},
      });
      let read = 0;
      let isLeft = false;
      async function* requests(): AsyncIterable<StreamedDelta> {
        while (!isLeft) {
          read += 1;
          yield { reference: BigInt(read), request: { blobId: blob.id, patch } };
        }
      }
      const outcomes = documents.applyDeltas(caller, requests())[Symbol.asyncIterator]();
      for (let taken = 1; taken <= 2; taken++) {
        assert.not.ok((await outcomes.next()).done);
        await eventually('it is full again', () => read >= inFlight + taken);
        const answered = async (): Promise<boolean> =>
          (await documents.getBlob(caller, blob.id, { withContent: false })).version === (size === 0 ? read + 1 : 1);
        await eventually('all that was read is answered', answered);
        assert.is(read, inFlight + taken);
      }
      isLeft = true;
      await outcomes.return?.();
    }));

test('labels of a blob, when it is made and later', async () => {
  const { blob } = await ann.blobs.createBlob({ contentType: 'text/plain', labels: labels(LABELS_MAX) });
  const id = blob?.id ?? '';
  await overLimit(ann.blobs.createBlob({ contentType: 'text/plain', labels: labels(LABELS_MAX + 1) }), 'LABELS_MAX');
  await overLimitByRest({ labels: labels(LABELS_MAX + 1) }, 'LABELS_MAX');
  await overLimit(ann.blobs.updateBlob({ id, labels: { values: labels(LABELS_MAX + 1) } }), 'LABELS_MAX');
  assert.equal((await ann.blobs.getBlob({ id })).blob?.labels, labels(LABELS_MAX));
});

test('providers of a user; another one’s are not counted', async () => {
  const register = (client: StudioClient): Promise<unknown> =>
    client.providers.registerProvider({ name: 'one of many', type: ProviderType.BUILTIN, workflowId: 'expander' });
  for (let made = 0; made < PROVIDERS_PER_USER_MAX; made += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, PROVIDERS_PER_USER_MAX - made) }, () => register(ann)));
  }
  await overLimit(register(ann), 'PROVIDERS_PER_USER_MAX');
  await register(connectAs(studio.address, await studio.token('bob')));
});

test.run();
