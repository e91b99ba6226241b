/** @y/websocket-server; with PEER_MONGODB_URL, kept by y-mongodb-provider, as that one's documentation has it. PEER_PORT. */
import { createServer } from 'node:http';
import { setPersistence, setupWSConnection } from '@y/websocket-server/utils';
import { MongoClient } from 'mongodb';
import { WebSocketServer } from 'ws';
import { MongodbPersistence } from 'y-mongodb-provider';
import * as Y from 'yjs';

const COLLECTION = 'yjs-writings';

process.on('disconnect', () => process.exit(0));

async function keep(url) {
  const client = new MongoClient(url);
  const db = client.db('peer');
  await db.collection(COLLECTION).createIndex({ version: 1, docName: 1, action: 1, clock: 1, part: 1 });
  const kept = new MongodbPersistence({ client, db }, { collectionName: COLLECTION, flushSize: 400 });
  const report = (error) => process.stderr.write(`y-mongodb-provider: ${error.message}\n`);
  const bind = async (name, doc) => {
    const stored = await kept.getYDoc(name);
    kept.storeUpdate(name, Y.encodeStateAsUpdate(doc)).catch(report);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(stored));
    doc.on('update', (update) => void kept.storeUpdate(name, update).catch(report));
  };
  setPersistence({
    bindState: (name, doc) => void bind(name, doc).catch(report),
    writeState: async () => {},
  });
}

if (process.env.PEER_MONGODB_URL) await keep(process.env.PEER_MONGODB_URL);
const http = createServer();
const server = new WebSocketServer({ server: http });
server.on('connection', setupWSConnection);
http.listen(Number(process.env.PEER_PORT), '127.0.0.1', () => process.send('ready'));
