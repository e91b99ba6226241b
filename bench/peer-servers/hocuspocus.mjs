/** Hocuspocus with its SQLite store, as its documentation has it. PEER_PORT, PEER_FILE (the database). */
import { SQLite } from '@hocuspocus/extension-sqlite';
import { Server } from '@hocuspocus/server';

process.on('disconnect', () => process.exit(0));
const server = new Server({
  address: '127.0.0.1',
  port: Number(process.env.PEER_PORT),
  quiet: true,
  stopOnSignals: false,
  // It closes a connection that sent nothing for so long; between two turns of a benchmark its editors do not.
  timeout: 60 * 60_000,
  extensions: [new SQLite({ database: process.env.PEER_FILE })],
});
await server.listen();
process.send('ready');
