/** Real studio processes are killed at each named moment of a commit; what was acknowledged is there, once. */
import * as assert from 'uvu/assert';
import { readStream } from '../campaign/event-stream.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';

const test = suite('commit under crashes');
let parts: TestParts;

test.before(async () => {
  // Temporal's address is needed to start, and never asked.
  parts = await startParts({ mongodb: true, nats: true });
});
test.after(() => parts?.stop());

const withoutTemporal = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };

async function withStudio<T>(
  options: { failpoints?: string; env?: Record<string, string> },
  body: (client: StudioClient, studio: TestStudio) => Promise<T>,
): Promise<T> {
  const studio = await startStudio({
    parts,
    failpoints: options.failpoints,
    env: { ...withoutTemporal, ...options.env },
  });
  try {
    return await body(connectAs(studio.address, await studio.token('ann')), studio);
  } finally {
    await studio.stop();
  }
}

async function createText(client: StudioClient, id: string, text: string): Promise<void> {
  await client.blobs.createBlob({
    id,
    content: Buffer.from(text),
    contentType: 'text/plain',
    requestId: `create-${id}`,
  });
}

/** Seqs 1..n without a gap or a repeat, and each insertion in the text exactly once. */
async function requireWhole(client: StudioClient, id: string, insertions: readonly string[]): Promise<void> {
  const deltas = await allDeltas(client, id);
  assert.equal(
    deltas.map((delta) => Number(delta.toVersion)),
    deltas.map((_, index) => index + 1),
  );
  const text = await readText(client, id);
  for (const insertion of insertions) assert.is(text.split(insertion).length - 1, 1, `${insertion} in ${text}`);
}

for (const failpoint of ['commit.before_insert', 'commit.after_insert'] as const) {
  test(`G1 G4: killed at ${failpoint}, the request sent again elsewhere is in once`, async () => {
    const id = `crash-${failpoint.replaceAll('.', '-')}`;
    await withStudio({}, async (client) => {
      await createText(client, id, 'start ');
      await insertAt(client, { blobId: id, offset: 0, text: '[acknowledged]' });
    });
    await withStudio({ failpoints: `${failpoint}=kill` }, async (client, studio) => {
      const failed = await insertAt(client, { blobId: id, offset: 0, text: '[cut off]', requestId: 'r-1' }).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(failed, 'the killed process can not have answered');
      assert.is((await studio.exited).signal, 'SIGKILL');
    });
    await withStudio({}, async (client) => {
      const before = await allDeltas(client, id);
      assert.is(before.length, failpoint === 'commit.after_insert' ? 3 : 2);
      const delta = await insertAt(client, { blobId: id, offset: 0, text: '[cut off]', requestId: 'r-1' });
      assert.is(Number(delta.toVersion), 3);
      await requireWhole(client, id, ['[acknowledged]', '[cut off]']);
    });
  });
}

test('G1: killed before the head is written, the head is rebuilt from the log', async () => {
  await withStudio({ failpoints: 'head.before_write=kill' }, async (client, studio) => {
    await createText(client, 'headless', 'here').catch(() => undefined);
    assert.is((await studio.exited).signal, 'SIGKILL');
  });
  await withStudio({}, async (client) => {
    assert.is(await readText(client, 'headless'), 'here');
    await eventually('the head in the list', async () => {
      const { blobs } = await client.blobs.listBlobs({});
      return blobs.some((blob) => blob.id === 'headless' && blob.version === 1n);
    });
  });
});

test('G5: killed before it published, its events come from another process', async () => {
  await withStudio({}, async (client) => {
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { event } of client.events.watchEvents({}, { signal: stop.signal }))
        seen.push(event?.blobId ?? '');
    })().catch(() => undefined);
    await withStudio({ failpoints: 'events.before_publish=kill' }, async (doomed, studio) => {
      await createText(doomed, 'unannounced', 'x').catch(() => undefined);
      assert.is((await studio.exited).signal, 'SIGKILL');
      assert.not((await readStream(parts.url('nats'))).has('unannounced:1'));
    });
    await eventually('the event of the killed process', () => seen.includes('unannounced'));
    stop.abort();
    await watching;
  });
});

test('G1 G2: a reply that is cut off leaves the outcome unknown, and the commit is in once all the same', async () => {
  const proxy = await startCutProxy(parts.url('mongodb'));
  try {
    await withStudio({ env: { STUDIO_MONGODB_URL: proxy.url } }, async (client) => {
      await createText(client, 'cut', 'base ');
      for (let round = 0; round < 6; round++) {
        const match = { command: 'insert', collection: 'commits' };
        const cut = round % 2 === 0 ? proxy.dropReply(match) : proxy.dropRequest(match);
        await insertAt(client, { blobId: 'cut', offset: 0, text: `[${round}]` });
        await cut;
      }
      await requireWhole(client, 'cut', ['[0]', '[1]', '[2]', '[3]', '[4]', '[5]']);
    });
  } finally {
    await proxy.close();
  }
});

test('G1 G2: outcomes unknown for many blobs at once, while others write the same blobs', async () => {
  const proxy = await startCutProxy(parts.url('mongodb'));
  try {
    await withStudio({ env: { STUDIO_MONGODB_URL: proxy.url } }, (cutClient) =>
      withStudio({}, async (client) => {
        const ids = ['many-0', 'many-1', 'many-2'];
        for (const id of ids) await createText(client, id, '');
        const write = async (by: StudioClient, who: string): Promise<void> => {
          for (let round = 0; round < 10; round++) {
            await Promise.all(ids.map((id) => insertAt(by, { blobId: id, offset: 0, text: `[${who}${round}]` })));
          }
        };
        let cut = 0;
        const cutting = (async () => {
          for (; cut < 5; cut += 1) await proxy.dropReply({ command: 'insert', collection: 'commits' });
        })();
        await Promise.all([write(cutClient, 'a'), write(client, 'b')]);
        const expected = ['a', 'b'].flatMap((who) => Array.from({ length: 10 }, (_, round) => `[${who}${round}]`));
        for (const id of ids) {
          await requireWhole(client, id, expected);
          assert.is(await readText(cutClient, id), await readText(client, id));
        }
        await cutting;
        proxy.cutAll();
      }),
    );
  } finally {
    await proxy.close();
  }
});

test('G1: the database killed under load and started again loses nothing acknowledged', async () => {
  await withStudio({}, async (client) => {
    await createText(client, 'dbkill', '');
    const acknowledged: string[] = [];
    let stopping = false;
    const writing = Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        for (let round = 0; !stopping; round++) {
          const text = `[${writer}-${round}]`;
          // The same request again after a failure, as a client would: in once or not at all, never twice.
          for (;;) {
            try {
              await insertAt(client, { blobId: 'dbkill', offset: 0, text, requestId: text });
              acknowledged.push(text);
              break;
            } catch {
              if (stopping) break;
            }
          }
        }
      }),
    );
    const someMore = (count: number): Promise<true> => {
      const before = acknowledged.length;
      return eventually(`${count} more acknowledged`, () => acknowledged.length >= before + count, 30_000);
    };
    for (let kill = 0; kill < 3; kill++) {
      await someMore(8);
      await parts.kill('mongodb');
      await parts.restart('mongodb');
    }
    await someMore(8);
    stopping = true;
    await writing;
    await requireWhole(client, 'dbkill', acknowledged);
  });
});

test('G1 G4: a database that falls silent gives STORAGE_UNAVAILABLE, and the change lands by itself when it is back', async () => {
  const proxy = await startCutProxy(parts.url('mongodb'));
  try {
    await withStudio({ env: { STUDIO_MONGODB_URL: proxy.url } }, async (client) => {
      await createText(client, 'silent', '');
      proxy.pause();
      await refused(
        insertAt(client, { blobId: 'silent', offset: 0, text: '[late]', requestId: 'late' }),
        'STORAGE_UNAVAILABLE',
      );
      proxy.resume();
      await eventually('it is there', async () => (await readText(client, 'silent')) === '[late]', 30_000);
      const delta = await insertAt(client, { blobId: 'silent', offset: 0, text: '[late]', requestId: 'late' });
      assert.is(Number(delta.toVersion), 2);
      await requireWhole(client, 'silent', ['[late]']);
    });
  } finally {
    await proxy.close();
  }
});

test.run();
