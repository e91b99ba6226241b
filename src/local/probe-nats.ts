import { connect } from 'node:net';
import { PART_PROBE_REPLY_BYTES_MAX, PART_PROBE_TIMEOUT_MS } from '../limits.ts';

/** The server's version: NATS introduces itself to whoever connects. Rejects when it does not answer. */
export function probeNats(url: string): Promise<string> {
  const { hostname, port } = new URL(url.includes('://') ? url : `nats://${url}`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port || 4222), hostname);
    let text = '';
    socket.setTimeout(PART_PROBE_TIMEOUT_MS, () => socket.destroy(new Error('NATS does not answer in time.')));
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const line = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1];
      if (line !== undefined) {
        socket.destroy();
        resolve(versionOf(line));
      } else if (text.length > PART_PROBE_REPLY_BYTES_MAX || !'INFO '.startsWith(text.slice(0, 5))) {
        socket.destroy(new Error('What answers there is not NATS.'));
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('NATS closed the connection.')));
  });
}

function versionOf(info: string): string {
  const parsed: unknown = JSON.parse(info);
  const known = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  return known && typeof parsed.version === 'string' ? parsed.version : 'unknown';
}
