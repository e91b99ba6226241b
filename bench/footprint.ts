/** Memory of `studio serve`: at rest, and of an idle editor connection. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket } from 'ws';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { residentBytes } from './processes.ts';
import { print, printTable, type Verdict } from './report.ts';
import { startRig, type Rig } from './rig.ts';
import type { BenchOptions } from './run.ts';

const REST_MEBIBYTES_MAX = 150;
const CONNECTION_KIBIBYTES_MAX = 30;
const CONNECTIONS = 2_000;
const BLOBS = 100;
const OPENING_AT_ONCE = 50;
/** Whatever starting and opening left behind has been collected by then. */
const SETTLE_MS = 8_000;
const MESSAGE_SYNC = 0;

export async function benchFootprint(options: BenchOptions): Promise<Verdict[]> {
  const connections = Math.round(CONNECTIONS * options.scale);
  print(`\nFootprint: studio serve at rest, and ${connections} idle editor connections on ${BLOBS} blobs`);
  const rig = await startRig({ worker: false });
  const sockets: WebSocket[] = [];
  try {
    await sleep(SETTLE_MS);
    const atRest = residentBytes(rig.servePid);
    const client = await rig.connect('bench');
    const ids = await Promise.all(
      Array.from({ length: BLOBS }, async () => {
        const content = Buffer.from('A text of some length. '.repeat(10));
        return (await client.blobs.createBlob({ contentType: 'text/plain', content })).blob?.id ?? '';
      }),
    );
    const token = await rig.token('bench');
    // With the documents loaded and the code compiled, so that only connections are added.
    const first = await openAll(rig, ids, token, BLOBS * 2);
    sockets.push(...first);
    await sleep(SETTLE_MS);
    const before = residentBytes(rig.servePid);
    sockets.push(...(await openAll(rig, ids, token, connections)));
    await sleep(SETTLE_MS);
    const after = residentBytes(rig.servePid);
    const each = (after - before) / connections / 1024;
    const restMebibytes = atRest / 2 ** 20;
    printTable([
      ['', 'resident'],
      ['at rest', `${restMebibytes.toFixed(1)} MiB`],
      [`with ${BLOBS} documents, ${BLOBS * 2} connections`, `${(before / 2 ** 20).toFixed(1)} MiB`],
      [`and ${connections} more connections`, `${(after / 2 ** 20).toFixed(1)} MiB`],
      ['each idle connection', `${each.toFixed(1)} KiB`],
    ]);
    return [
      {
        goal: `studio serve at rest ≤ ${REST_MEBIBYTES_MAX} MB`,
        reached: restMebibytes <= REST_MEBIBYTES_MAX,
        measured: `${restMebibytes.toFixed(1)} MiB`,
      },
      {
        goal: `an idle connection ≤ ${CONNECTION_KIBIBYTES_MAX} KB`,
        reached: each <= CONNECTION_KIBIBYTES_MAX,
        measured: `${each.toFixed(1)} KiB`,
      },
    ];
  } finally {
    for (const socket of sockets) socket.terminate();
    await rig.stop();
  }
}

async function openAll(rig: Rig, ids: readonly string[], token: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const size = Math.min(OPENING_AT_ONCE, count - sockets.length);
    const first = sockets.length;
    const opened = Array.from({ length: size }, (_none, index) =>
      openSynced(rig, ids[(first + index) % ids.length] ?? '', token),
    );
    sockets.push(...(await Promise.all(opened)));
  }
  return sockets;
}

/** The handshake of y-websocket, without the rest of the client. */
function openSynced(rig: Rig, blobId: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${rig.address.replace(/^http/, 'ws')}/sync/${blobId}?token=${token}`, {
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code, reason) => reject(new Error(`An editor was refused: ${code} ${reason.toString()}`)));
    socket.once('open', () => {
      const doc = new Y.Doc();
      const hello = encoding.createEncoder();
      encoding.writeVarUint(hello, MESSAGE_SYNC);
      syncProtocol.writeSyncStep1(hello, doc);
      doc.destroy();
      socket.send(encoding.toUint8Array(hello));
    });
    socket.on('message', (data: Buffer) => {
      const decoder = decoding.createDecoder(data);
      if (decoding.readVarUint(decoder) !== MESSAGE_SYNC) return;
      if (decoding.readVarUint(decoder) === syncProtocol.messageYjsSyncStep2) resolve(socket);
    });
  });
}
