/** One `buildInfo` in MongoDB's wire protocol (OP_MSG), to see that a server answers without loading the driver. */
import { connect } from 'node:net';
import { PART_PROBE_REPLY_BYTES_MAX, PART_PROBE_TIMEOUT_MS } from '../limits.ts';

const OP_MSG = 2013;
const HEADER_BYTES = 16;
const BSON_STRING = 0x02;

/** The version the server says it has. `mongodb+srv` names no server, so it cannot be asked here: undefined. */
export function probeMongodb(url: string): Promise<string | undefined> {
  const target = /^mongodb:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:,/?]+)(?::(\d+))?/.exec(url);
  if (!target?.[1]) return Promise.resolve(undefined);
  const [host, port] = [target[1].replace(/^\[|\]$/g, ''), Number(target[2] ?? 27_017)];
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(buildInfoMessage()));
    let reply = Buffer.alloc(0);
    socket.setTimeout(PART_PROBE_TIMEOUT_MS, () => socket.destroy(new Error('MongoDB does not answer in time.')));
    socket.on('data', (chunk) => {
      reply = Buffer.concat([reply, chunk]);
      const length = reply.length < HEADER_BYTES ? Number.POSITIVE_INFINITY : reply.readInt32LE(0);
      const isMongo = reply.length < HEADER_BYTES || (reply.readInt32LE(12) === OP_MSG && length > HEADER_BYTES);
      if (!isMongo || reply.length > PART_PROBE_REPLY_BYTES_MAX) {
        socket.destroy(new Error('What answers there does not speak the protocol of MongoDB.'));
      } else if (reply.length >= length) {
        socket.destroy();
        resolve(versionIn(reply));
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('MongoDB closed the connection.')));
  });
}

function buildInfoMessage(): Buffer {
  const elements = Buffer.concat([
    Buffer.from([0x10]),
    Buffer.from('buildInfo\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from([BSON_STRING]),
    Buffer.from('$db\0'),
    Buffer.from([6, 0, 0, 0]),
    Buffer.from('admin\0'),
  ]);
  const document = Buffer.concat([int32(4 + elements.length + 1), elements, Buffer.from([0])]);
  const body = Buffer.concat([int32(0), Buffer.from([0]), document]);
  return Buffer.concat([int32(HEADER_BYTES + body.length), int32(1), int32(0), int32(OP_MSG), body]);
}

/** The string field `version`; a server that asks for authentication first answers without it. */
function versionIn(reply: Buffer): string {
  const key = Buffer.concat([Buffer.from([BSON_STRING]), Buffer.from('version\0')]);
  const at = reply.indexOf(key, HEADER_BYTES);
  if (at < 0) return 'unknown';
  const start = at + key.length + 4;
  return reply.toString('utf8', start, reply.indexOf(0, start));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
