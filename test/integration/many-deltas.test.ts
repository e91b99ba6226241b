/** Many changes at once: a stream of them through both doors, and batches that are in whole or not at all. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ConnectError } from '@connectrpc/connect';
import { createStudioClient } from '../../clients/node/src/index.ts';
import { OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import type {
  ApplyDeltasRequestSchema,
  ApplyDeltasResponse,
  BatchApplyDeltasRequestSchema,
} from '../../src/gen/memmie/studio/v1/delta_service_pb.ts';
import { STREAM_DELTAS_IN_FLIGHT_MAX, TRIAL_FROM_BYTES } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('many deltas');
let parts: TestParts;
let studio: TestStudio;
let ann: StudioClient;
let bob: StudioClient;
let made = 0;

type Streamed = MessageInitShape<typeof ApplyDeltasRequestSchema>;
interface Provenance {
  readonly requestId?: string;
  readonly fromVersion?: bigint;
}
type Patches = NonNullable<MessageInitShape<typeof BatchApplyDeltasRequestSchema>['patches']>;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  ann = connectAs(studio.address, await studio.token('ann'));
  bob = connectAs(studio.address, await studio.token('bob'));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

async function blobOf(contentType: string, content: string): Promise<string> {
  const id = `blob-${++made}`;
  await ann.blobs.createBlob({ id, contentType, content: Buffer.from(content) });
  return id;
}

function insertion(offset: number, insert: string): Patches[number] {
  const edits = [{ offset, deleteCount: 0, insert }];
  return { patch: { case: 'textEdits', value: { encoding: OffsetEncoding.UTF16, edits } } };
}

function append(reference: number, blobId: string, offset: number, more: Provenance = {}): Streamed {
  const { patch } = insertion(offset, `[${reference}]`) as { patch: NonNullable<Streamed['delta']>['patch'] };
  return { reference: BigInt(reference), delta: { blobId, ...more, patch } };
}

function reasonIn(response: ApplyDeltasResponse | undefined): string | undefined {
  if (response?.outcome.case !== 'error') return undefined;
  const [detail] = response.outcome.value.details;
  return detail && anyUnpack(detail, ErrorInfoSchema)?.reason;
}

function versionIn({ outcome }: ApplyDeltasResponse): number | undefined {
  return outcome.case === 'applied' ? Number(outcome.value.delta?.toVersion) : undefined;
}

async function* of(requests: Iterable<Streamed>): AsyncIterable<Streamed> {
  yield* requests;
}

async function collect(client: StudioClient, requests: AsyncIterable<Streamed>): Promise<ApplyDeltasResponse[]> {
  const responses: ApplyDeltasResponse[] = [];
  for await (const response of client.deltas.applyDeltas(requests)) responses.push(response);
  return responses;
}

/** The same call by the Node client over @grpc/grpc-js, to the port of native gRPC. */
async function collectNative(requests: AsyncIterable<Streamed>): Promise<ApplyDeltasResponse[]> {
  const token = await studio.token('ann');
  const client = createStudioClient({ address: `127.0.0.1:${studio.grpcPort}`, token });
  const responses: ApplyDeltasResponse[] = [];
  try {
    // Its generated code is a copy: the messages are the same, their types have other names.
    const answers = client.deltas.applyDeltas(requests as never) as AsyncIterable<unknown>;
    for await (const response of answers) responses.push(response as ApplyDeltasResponse);
  } finally {
    client.close();
  }
  return responses;
}

for (const [door, send] of [
  ['connect over HTTP/2', (requests: readonly Streamed[]) => collect(ann, of(requests))],
  ['@grpc/grpc-js', (requests: readonly Streamed[]) => collectNative(of(requests))],
] as const) {
  test(`G1 a stream by ${door}: every change is answered by its number, those of a blob are in the order sent`, async () => {
    const blobs = [await blobOf('text/plain', ''), await blobOf('text/plain', '')];
    const lengths = new Map<string, number>();
    const requests = Array.from({ length: 400 }, (_, reference) => {
      const blobId = blobs[reference % 2] as string;
      const offset = lengths.get(blobId) ?? 0;
      lengths.set(blobId, offset + `[${reference}]`.length);
      return append(reference, blobId, offset);
    });
    const responses = await send(requests);
    assert.equal(
      responses.map(({ reference }) => Number(reference)).sort((a, b) => a - b),
      requests.map((_, reference) => reference),
    );
    for (const [index, id] of blobs.entries()) {
      const sent = requests.filter(({ delta }) => delta?.blobId === id).map(({ reference }) => `[${reference}]`);
      assert.is(await readText(ann, id), sent.join(''));
      const versions = responses
        .filter(({ reference }) => Number(reference) % 2 === index)
        .sort((a, b) => Number(a.reference - b.reference))
        .map(versionIn);
      assert.equal(
        versions,
        versions.map((_, at) => at + 2),
      );
    }
  });
}

test('what fails in the requests of the Node client is thrown where its answers are read', async () => {
  const id = await blobOf('text/plain', '');
  async function* broken(): AsyncIterable<Streamed> {
    yield append(1, id, 0);
    throw new Error('no more');
  }
  let failure: unknown;
  await collectNative(broken()).catch((error: unknown) => (failure = error));
  assert.match(String(failure), /no more/);
});

test('a change that is refused is answered so, with its reason, and those after it go on', async () => {
  const id = await blobOf('text/plain', 'abc');
  const [deleted] = [await blobOf('text/plain', 'gone')];
  await ann.blobs.deleteBlob({ id: deleted });
  const responses = await collect(
    ann,
    of([
      append(1, id, 99),
      append(2, 'no-such-blob', 0),
      { reference: 3n, delta: { blobId: id } },
      { reference: 4n },
      { reference: 5n, delta: { blobId: id, patch: { case: 'yjsUpdate', value: Buffer.from('nonsense') } } },
      append(6, deleted, 0),
      append(7, id, 0, { fromVersion: 9n }),
      append(8, id, 3),
    ]),
  );
  const reasons = Object.fromEntries(responses.map((response) => [Number(response.reference), reasonIn(response)]));
  assert.equal(reasons, {
    1: 'EDIT_OUT_OF_RANGE',
    2: 'BLOB_NOT_FOUND',
    3: 'FIELD_INVALID',
    4: 'FIELD_INVALID',
    5: 'UPDATE_MALFORMED',
    6: 'BLOB_DELETED',
    7: 'BASE_VERSION_UNKNOWN',
    8: undefined,
  });
  assert.is(await readText(ann, id), 'abc[8]');
  const theirs = await collect(bob, of([append(1, id, 0)]));
  assert.is(reasonIn(theirs[0]), 'BLOB_NOT_FOUND');
  await refused(collect(connectAs(studio.address, undefined), of([append(1, id, 0)])), 'TOKEN_MISSING');
});

test('a raw update that is tried first keeps its place in its stream', async () => {
  const id = await blobOf('text/plain', '');
  const doc = new Y.Doc();
  const updates: Uint8Array<ArrayBuffer>[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(Uint8Array.from(update)));
  const large = 'x'.repeat(TRIAL_FROM_BYTES);
  for (const text of [large, '[1]']) doc.getText('content').insert(0, text);
  const raw = updates.map((value, reference): Streamed => {
    return { reference: BigInt(reference), delta: { blobId: id, patch: { case: 'yjsUpdate', value } } };
  });
  const responses = await collect(ann, of([...raw, append(2, id, 3 + large.length)]));
  assert.equal(responses.map(reasonIn), [undefined, undefined, undefined]);
  for (const response of responses) assert.is(versionIn(response), Number(response.reference) + 2);
  assert.is(await readText(ann, id), `[1]${large}[2]`);
});

test('G4: a stream sent again gets the first answers', async () => {
  const id = await blobOf('text/plain', '');
  const requests = Array.from({ length: 20 }, (_, reference) =>
    append(reference, id, 0, { requestId: `r-${reference}` }),
  );
  const idsOf = (responses: readonly ApplyDeltasResponse[]): Record<string, unknown> =>
    Object.fromEntries(
      responses.map(({ reference, outcome }) => [reference, outcome.case === 'applied' && outcome.value.delta?.id]),
    );
  const first = idsOf(await collect(ann, of(requests)));
  assert.equal(idsOf(await collect(ann, of([...requests].reverse()))), first);
  assert.is((await allDeltas(ann, id)).length, 21);
});

test(
  'G7: answers that are not taken stop the reading; taken, it goes on',
  async () => {
    const id = await blobOf('text/plain', '');
    // Large enough that they do not all fit into what lies between the two ends.
    const text = 'x'.repeat(2_000);
    const total = STREAM_DELTAS_IN_FLIGHT_MAX * 24;
    let sent = 0;
    async function* endless(): AsyncIterable<Streamed> {
      for (; sent < total; sent++) {
        const edits = [{ offset: 0, deleteCount: Math.min(sent, 1) * text.length, insert: text }];
        yield {
          reference: BigInt(sent),
          delta: { blobId: id, patch: { case: 'textEdits', value: { encoding: OffsetEncoding.UTF16, edits } } },
        };
      }
    }
    const answers = ann.deltas.applyDeltas(endless())[Symbol.asyncIterator]();
    await answers.next();
    let stood = -1;
    await eventually('the sender stands still', async () => {
      const before = sent;
      await new Promise((resolve) => setTimeout(resolve, 700));
      if (before !== sent) return false;
      stood = sent;
      return true;
    });
    assert.ok(stood < total, `${stood} of ${total} sent while one answer was taken`);
    let taken = 1;
    for (let answer = await answers.next(); !answer.done; answer = await answers.next()) taken += 1;
    assert.is(taken, total);
    assert.is(await readText(ann, id), text);
  },
  { timeoutMs: 120_000 },
);

test('a batch: consecutive deltas of one commit, each on the result of the one before', async () => {
  const id = await blobOf('text/plain', 'one');
  const head = await ann.deltas.batchApplyDeltas({
    blobId: id,
    patches: [
      insertion(3, ' two'),
      insertion(7, ' three'),
      { patch: { case: 'content', value: Buffer.from('one two 3') } },
    ],
  });
  assert.equal(
    head.deltas.map(({ toVersion }) => Number(toVersion)),
    [2, 3, 4],
  );
  assert.is(new Set(head.deltas.map((delta) => delta.id.replace(/-\d+$/, ''))).size, 1, 'one commit');
  assert.is(head.deltas[1]?.previousDelta, head.deltas[0]?.id);
  assert.is(await readText(ann, id), 'one two 3');
  await insertAt(bob, { blobId: id, offset: 0, text: 'x' }).catch(() => undefined);
  await insertAt(ann, { blobId: id, offset: 0, text: '> ' });
  const past = await ann.deltas.batchApplyDeltas({
    blobId: id,
    fromVersion: 1n,
    patches: [
      insertion(3, '!'),
      insertion(4, '?'),
      { patch: { case: 'revertToVersion', value: 1n } },
      insertion(3, ' and more'),
    ],
  });
  assert.is(past.deltas.length, 4);
  assert.match(await readText(ann, id), /^> one( and more two 3| two 3 and more)$/);
  const nothing = await ann.deltas.batchApplyDeltas({
    blobId: id,
    patches: [{ patch: { case: 'content', value: Buffer.from(await readText(ann, id)) } }],
  });
  assert.is(nothing.deltas.length, 0);
  const json = await blobOf('application/json', '{"a":[1]}');
  const { deltas, blob } = await ann.deltas.batchApplyDeltas({
    blobId: json,
    patches: [
      { patch: { case: 'jsonPatch', value: '[{"op":"add","path":"/a/1","value":2}]' } },
      { patch: { case: 'mergePatch', value: '{"b":true}' } },
      { patch: { case: 'jsonPatch', value: '[{"op":"remove","path":"/a/0"}]' } },
    ],
  });
  assert.is(deltas.length, 3);
  assert.is(blob?.version, 4n);
  assert.is(await readText(ann, json), '{"a":[2],"b":true}');
});

test('a batch that is refused leaves nothing, says which, and harms none of those it came with', async () => {
  const id = await blobOf('text/plain', 'text');
  const others = Array.from({ length: 30 }, (_, index) => insertAt(ann, { blobId: id, offset: 0, text: `<${index}>` }));
  const bad = Array.from({ length: 10 }, (_, index) =>
    refused(
      ann.deltas.batchApplyDeltas({
        blobId: id,
        patches: [insertion(0, `{${index}`), insertion(0, '}'), insertion(9_999, 'x')],
      }),
      'EDIT_OUT_OF_RANGE',
    ),
  );
  const good = ann.deltas.batchApplyDeltas({ blobId: id, patches: [insertion(0, '(a)'), insertion(0, '(b)')] });
  for (const error of await Promise.all(bad)) assert.is(error.findDetails(ErrorInfoSchema)[0]?.metadata['index'], '2');
  await Promise.all([...others, good]);
  const text = await readText(ann, id);
  assert.not.match(text, /[{}]/);
  for (let index = 0; index < 30; index++) assert.is(text.split(`<${index}>`).length, 2);
  const deltas = await allDeltas(ann, id);
  assert.is(deltas.length, 33);
  assert.equal(
    deltas.map(({ toVersion }) => Number(toVersion)),
    deltas.map((_, index) => index + 1),
  );
  const update = { case: 'yjsUpdate', value: Buffer.from('nonsense') } as const;
  await refused(
    ann.deltas.batchApplyDeltas({ blobId: id, patches: [insertion(0, 'x'), { patch: update }] }),
    'UPDATE_MALFORMED',
  );
  await refused(ann.deltas.batchApplyDeltas({ blobId: id, patches: [] }), 'FIELD_INVALID');
  await refused(ann.deltas.batchApplyDeltas({ blobId: id, patches: [insertion(0, 'x'), {}] }), 'FIELD_INVALID');
  const many = Array.from({ length: 101 }, () => insertion(0, 'x'));
  await refused(ann.deltas.batchApplyDeltas({ blobId: id, patches: many }), 'LIMIT_EXCEEDED');
  const large = { patch: { case: 'content', value: Buffer.alloc(5 * 1024 * 1024, 'x') } } as const;
  await refused(ann.deltas.batchApplyDeltas({ blobId: id, patches: [large, large] }), 'LIMIT_EXCEEDED');
  await refused(
    ann.deltas.batchApplyDeltas({ blobId: id, fromVersion: 99n, patches: [insertion(0, 'x')] }),
    'BASE_VERSION_UNKNOWN',
  );
  await refused(bob.deltas.batchApplyDeltas({ blobId: id, patches: [insertion(0, 'x')] }), 'BLOB_NOT_FOUND');
  assert.is(await readText(ann, id), text);
  await ann.blobs.deleteBlob({ id });
  await refused(ann.deltas.batchApplyDeltas({ blobId: id, patches: [insertion(0, 'x')] }), 'BLOB_DELETED');
});

test('G4: a batch sent again, at once or later, gets the first deltas', async () => {
  const id = await blobOf('text/plain', '');
  const request = { blobId: id, requestId: 'b-1', patches: [insertion(0, 'a'), insertion(1, 'b'), insertion(2, 'c')] };
  const answers = await Promise.all([1, 2, 3].map(() => ann.deltas.batchApplyDeltas(request)));
  answers.push(await ann.deltas.batchApplyDeltas(request));
  for (const { deltas } of answers) {
    assert.is(deltas.length, 3);
    assert.equal(
      deltas.map((delta) => delta.id),
      answers[0]?.deltas.map((delta) => delta.id),
    );
  }
  assert.is(await readText(ann, id), 'abc');
});

for (const failpoint of ['commit.before_insert', 'commit.after_insert'] as const) {
  test(`G1 G4: killed at ${failpoint} inside a batch, all of it is in or nothing, and sent again it is in once`, async () => {
    const id = await blobOf('text/plain', '');
    const doomed = await startStudio({
      parts,
      failpoints: `${failpoint}=kill`,
      env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' },
    });
    const client = connectAs(doomed.address, await doomed.token('ann'));
    const request = {
      blobId: id,
      requestId: 'b-1',
      patches: [insertion(0, 'a'), insertion(1, 'b'), insertion(2, 'c')],
    };
    const failed = await client.deltas.batchApplyDeltas(request).catch((error: unknown) => error);
    assert.instance(failed, ConnectError);
    assert.is((await doomed.exited).signal, 'SIGKILL');
    const isIn = failpoint === 'commit.after_insert';
    assert.is(await readText(ann, id), isIn ? 'abc' : '');
    assert.is((await allDeltas(ann, id)).length, isIn ? 4 : 1);
    const { deltas } = await ann.deltas.batchApplyDeltas(request);
    assert.equal(
      deltas.map(({ toVersion }) => Number(toVersion)),
      [2, 3, 4],
    );
    assert.is(await readText(ann, id), 'abc');
  });
}

test.run();
