/** Several real studio processes write the same blobs at once. */
import * as assert from 'uvu/assert';
import { startParts, type TestParts } from '../harness/parts.ts';
import { seeded } from '../harness/random.ts';
import { allDeltas, connectAs, insertAt, readText, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('commit races');
const STUDIOS = 3;
let parts: TestParts;
let studios: TestStudio[] = [];
let clients: StudioClient[] = [];

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  studios = await Promise.all(Array.from({ length: STUDIOS }, () => startStudio({ parts, env })));
  clients = await Promise.all(studios.map(async (studio) => connectAs(studio.address, await studio.token('ann'))));
});
test.after(async () => {
  await Promise.all(studios.map((studio) => studio.stop()));
  await parts?.stop();
});

async function createText(id: string, text: string): Promise<void> {
  await clients[0]?.blobs.createBlob({ id, content: Buffer.from(text), contentType: 'text/plain' });
}

test('G2: three processes, one blob: seqs have no gap and no repeat, and no edit is lost', async () => {
  await createText('one', '');
  const expected: string[] = [];
  await Promise.all(
    clients.flatMap((client, process) =>
      Array.from({ length: 5 }, async (_, writer) => {
        for (let round = 0; round < 15; round++) {
          const text = `[${process}.${writer}.${round}]`;
          expected.push(text);
          await insertAt(client, { blobId: 'one', offset: 0, text });
        }
      }),
    ),
  );
  const texts = await Promise.all(clients.map((client) => readText(client, 'one')));
  for (const text of texts) assert.is(text, texts[0]);
  for (const insertion of expected) assert.is(texts[0]?.split(insertion).length, 2, insertion);
  const deltas = await allDeltas(clients[1] as StudioClient, 'one');
  assert.equal(
    deltas.map((delta) => Number(delta.toVersion)),
    deltas.map((_, index) => index + 1),
  );
});

test(
  'G3: chains on stale bases through any process converge, and every version reads the same everywhere for ever',
  seeded(async (random) => {
    const id = `chains-${random.seed}`;
    await createText(id, '0123456789');
    const versions = new Map<bigint, string>();
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        let fromVersion = 1n;
        let previousDelta: string | undefined;
        for (let round = 0; round < 12; round++) {
          const client = random.pick(clients);
          if (random.chance(0.3)) {
            const { blob } = await client.blobs.getBlob({ id });
            fromVersion = blob?.version ?? 1n;
            versions.set(fromVersion, Buffer.from(blob?.content ?? []).toString('utf8'));
            // Continuing its chain or starting anew: both name a state exactly.
            if (random.chance(0.5)) previousDelta = undefined;
          }
          const delta = await insertAt(client, {
            blobId: id,
            offset: random.int(0, 5),
            text: `<${writer}.${round}>`,
            fromVersion,
            previousDelta,
          });
          previousDelta = delta.id;
        }
      }),
    );
    const heads = await Promise.all(clients.map((client) => readText(client, id)));
    for (const head of heads) assert.is(head, heads[0]);
    // Insertions may split each other, but no character is lost and none is doubled.
    const inserted = Array.from({ length: 6 }, (_, writer) =>
      Array.from({ length: 12 }, (_, round) => `<${writer}.${round}>`).join(''),
    ).join('');
    assert.is([...(heads[0] ?? '')].sort().join(''), [...`0123456789${inserted}`].sort().join(''));
    const seen = [...versions].slice(0, 10);
    for (const [version, text] of seen) {
      for (const client of clients) assert.is(await readText(client, id, version), text, `version ${version}`);
    }
  }),
);

test('G4: the same request through all processes at once makes one delta and gives all of them its answer', async () => {
  await createText('twice', '');
  for (let round = 0; round < 10; round++) {
    const deltas = await Promise.all(
      clients.map((client) =>
        insertAt(client, { blobId: 'twice', offset: 0, text: `[${round}]`, requestId: `r-${round}` }),
      ),
    );
    assert.is(new Set(deltas.map((delta) => delta.id)).size, 1);
  }
  assert.is((await allDeltas(clients[0] as StudioClient, 'twice')).length, 11);
});

test('G4: one create without an id, sent through all processes at once, makes one blob', async () => {
  const made = await Promise.all(
    clients.map((client) =>
      client.blobs.createBlob({ content: Buffer.from('x'), contentType: 'text/plain', requestId: 'only-once' }),
    ),
  );
  assert.is(new Set(made.map(({ blob }) => blob?.id)).size, 1);
  assert.is(new Set(made.map(({ delta }) => delta?.id)).size, 1);
});

test('reads through one process show what another acknowledged before', async () => {
  await createText('seen', '');
  for (let round = 0; round < 20; round++) {
    const writer = clients[round % STUDIOS] as StudioClient;
    const reader = clients[(round + 1) % STUDIOS] as StudioClient;
    await insertAt(writer, { blobId: 'seen', offset: 0, text: `[${round}]` });
    assert.ok((await readText(reader, 'seen')).startsWith(`[${round}]`));
  }
});

test.run();
