/** One blob that many write at once through several real studio processes. */
import * as assert from 'uvu/assert';
import { OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { type Random, seeded } from '../harness/random.ts';
import { allDeltas, connectAs, readText, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('commit contention', { timeoutMs: 240_000 });
const STUDIOS = 3;
const WRITERS = 30;
const EDITS_EACH = 8;
/** Characters of their own for every edit: an insertion of one can neither be split nor be taken for another. */
const FIRST_CHARACTER = 0x4e00;
let parts: TestParts;
let studios: TestStudio[] = [];
let clients: StudioClient[] = [];

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  // Temporal's address is needed to start, and never asked.
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  studios = await Promise.all(Array.from({ length: STUDIOS }, () => startStudio({ parts, env })));
  clients = await Promise.all(studios.map(async (studio) => connectAs(studio.address, await studio.token('ann'))));
});
test.after(async () => {
  await Promise.all(studios.map((studio) => studio.stop()));
  await parts?.stop();
});

interface Acknowledged {
  readonly version: number;
  readonly id: string;
}

/** Inserts and, now and then, deletes what it inserted last, on the head, on what it saw last or on its own chain. */
async function write(writer: number, blobId: string, random: Random, deleted: Set<string>): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  const client = clients[writer % STUDIOS] as StudioClient;
  let last: { id: string; version: bigint; character: string } | undefined;
  for (let edit = 0; edit < EDITS_EACH; edit++) {
    const character = String.fromCodePoint(FIRST_CHARACTER + writer * EDITS_EACH + edit);
    const named = last && random.chance(0.6) ? last : undefined;
    // In the state made by its own delta on version 1, what it inserted first of all stands at the beginning.
    const removes = named !== undefined && !deleted.has(named.character) && random.chance(0.3);
    const { delta } = await client.deltas.applyDelta({
      blobId,
      ...(named ? { fromVersion: 1n, previousDelta: named.id } : {}),
      patch: {
        case: 'textEdits',
        value: {
          encoding: OffsetEncoding.CODE_POINTS,
          edits: [{ offset: 0, deleteCount: removes ? 1 : 0, insert: character }],
        },
      },
    });
    if (!delta) throw new Error('an answer without a delta');
    acknowledged.push({ version: Number(delta.toVersion), id: delta.id });
    if (removes) deleted.add(named.character);
    last = { id: delta.id, version: delta.toVersion, character };
  }
  return acknowledged;
}

test(
  `G1 G2 G3: ${WRITERS} writers through ${STUDIOS} processes on one blob: no gap, no repeat, nothing lost`,
  seeded(async (random) => {
    const blobId = `one-${random.seed}`;
    await clients[0]?.blobs.createBlob({ id: blobId, content: Buffer.from('.'), contentType: 'text/plain' });
    const deleted = new Set<string>();
    const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer, blobId, random, deleted));
    const acknowledged = (await Promise.all(writers)).flat();
    assert.is(acknowledged.length, WRITERS * EDITS_EACH);
    for (const client of clients) {
      const deltas = await allDeltas(client, blobId);
      assert.equal(
        deltas.map((delta) => Number(delta.toVersion)),
        Array.from({ length: acknowledged.length + 1 }, (_, index) => index + 1),
      );
      for (const { version, id } of acknowledged) assert.is(deltas[version - 1]?.id, id, `version ${version}`);
    }
    const texts = await Promise.all(clients.map((client) => readText(client, blobId)));
    const expected = Array.from({ length: WRITERS * EDITS_EACH }, (_, index) =>
      String.fromCodePoint(FIRST_CHARACTER + index),
    ).filter((character) => !deleted.has(character));
    for (const text of texts) {
      assert.is(text, texts[0]);
      assert.equal([...text].sort(), ['.', ...expected].sort());
    }
    assert.ok(deleted.size > 5, `${deleted.size} deletions`);
  }),
);

test.run();
