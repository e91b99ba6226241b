import { connect } from 'node:net';
import { readNatsUrl } from '../events/nats-url.ts';
import { PART_PROBE_REPLY_BYTES_MAX, PART_PROBE_TIMEOUT_MS } from '../limits.ts';
import { LocalFailure } from './local-failure.ts';

interface ServerInfo {
  readonly version?: unknown;
  readonly tls_required?: unknown;
  readonly tls_available?: unknown;
}

/**
 * The server's version: NATS introduces itself to whoever connects, and then says whether it takes the login of the
 * URL, unless it speaks TLS: no password is sent in the clear to a server that can do better, so there the login is not
 * tried. Rejects when it does not answer, with a LocalFailure when it refuses the login.
 */
export function probeNats(url: string): Promise<string> {
  const { servers, user, pass, token } = readNatsUrl(url);
  const { hostname, port } = new URL(`nats://${servers}`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port || 4222), hostname.replace(/^\[|\]$/g, ''));
    let text = '';
    let version: string | undefined;
    const introduced = (info: ServerInfo): void => {
      version = typeof info.version === 'string' ? info.version : 'unknown';
      if (info.tls_required === true || info.tls_available === true) return answered(version);
      const login = { verbose: false, pedantic: false, user, pass, auth_token: token };
      socket.write(`CONNECT ${JSON.stringify(login)}\r\nPING\r\n`);
    };
    const answered = (known: string): void => {
      socket.destroy();
      resolve(known);
    };
    socket.setTimeout(PART_PROBE_TIMEOUT_MS, () => socket.destroy(new Error('NATS does not answer in time.')));
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const refusal = /^-ERR '?(.*?)'?\r\n/m.exec(text)?.[1];
      if (version !== undefined && refusal !== undefined) socket.destroy(refused(servers, refusal));
      else if (version !== undefined && /^PONG\r\n/m.test(text)) answered(version);
      else if (text.length > PART_PROBE_REPLY_BYTES_MAX || !'INFO '.startsWith(text.slice(0, 5))) {
        socket.destroy(new Error('What answers there is not NATS.'));
      } else if (version === undefined) {
        const line = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1];
        if (line !== undefined) introduced(JSON.parse(line) as ServerInfo);
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('NATS closed the connection.')));
  });
}

function refused(server: string, refusal: string): LocalFailure {
  return new LocalFailure(
    `NATS at ${server} refuses the studio: ${refusal}.`,
    'Put the login into STUDIO_NATS_URL: nats://user:password@host:port, or nats://token@host:port.',
  );
}
