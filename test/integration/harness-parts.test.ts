import { MongoClient } from 'mongodb';
import * as assert from 'uvu/assert';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';

const test = suite('harness: parts');
let parts: TestParts;

test.before(async () => {
  parts = await startParts({ mongodb: true });
});
test.after(() => parts.stop());

const options = { retryWrites: false, retryReads: false, serverSelectionTimeoutMS: 3_000 };

test('a killed part comes back on its port with its data', async () => {
  const client = new MongoClient(parts.url('mongodb'), options);
  const url = parts.url('mongodb');
  try {
    await client
      .db('t')
      .collection('kept')
      .insertOne({ n: 1 }, { writeConcern: { w: 1, journal: true } });
    const before = parts.pid('mongodb');
    await parts.kill('mongodb');
    await parts.restart('mongodb');
    assert.is(parts.url('mongodb'), url);
    assert.is.not(parts.pid('mongodb'), before);
  } finally {
    await client.close();
  }
  const again = new MongoClient(parts.url('mongodb'), options);
  try {
    assert.is(await again.db('t').collection('kept').countDocuments({ n: 1 }), 1);
  } finally {
    await again.close();
  }
});

test('a dropped reply: the caller sees an error, the write is there', async () => {
  await insertThrough('dropReply', 1);
});

test('a dropped request: the caller sees an error, the write is not there', async () => {
  await insertThrough('dropRequest', 0);
});

async function insertThrough(drop: 'dropReply' | 'dropRequest', countAfter: number): Promise<void> {
  const proxy = await startCutProxy(parts.url('mongodb'));
  const client = new MongoClient(proxy.url, options);
  const direct = new MongoClient(parts.url('mongodb'), options);
  try {
    await client.db('t').collection(drop).insertOne({ n: 0 });
    const dropped = proxy[drop]({ command: 'insert', collection: drop });
    let error: unknown;
    await client.db('t').collection('another').insertOne({ n: 1 });
    await client
      .db('t')
      .collection(drop)
      .insertOne({ n: 1 })
      .catch((thrown: unknown) => (error = thrown));
    await dropped;
    assert.instance(error, Error);
    assert.is(await direct.db('t').collection(drop).countDocuments({ n: 1 }), countAfter);
    assert.is(await client.db('t').collection(drop).countDocuments({ n: 0 }), 1, 'later requests pass');
  } finally {
    await Promise.all([client.close(), direct.close()]);
    await proxy.close();
  }
}

test.run();
