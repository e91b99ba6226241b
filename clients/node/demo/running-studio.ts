/** Where the studio is: what the command line or the environment says, else what `studio dev` wrote down. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** `http://127.0.0.1:8010` */
  readonly address: string;
  /** `127.0.0.1:8011`, or `https://host:port` for TLS. */
  readonly grpcAddress: string;
  readonly token: string;
  /** Keystrokes to replay; absent: all. */
  readonly limit?: number;
}

export const HELP = `npm run demo [-- options]: two people's real, concurrent typing, merged by the running studio.

  --limit N        the first N keystrokes only
  --data-dir DIR   of the studio to use; STUDIO_DATA_DIR, else .studio
  --address URL    of a studio that was not started with \`npm start\`: http(s)://host:port; STUDIO_ADDRESS if absent
  --grpc ADDRESS   its gRPC: host:port, or https://host:port for TLS; as --address if absent
  --token JWT      for it, STUDIO_TOKEN if absent; \`studio token --user NAME\` makes one`;

/** One sentence for the person at the terminal. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

/** Undefined: help was asked for. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): DemoOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const limit = values.limit === undefined ? undefined : Number(values.limit);
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw new DemoFailure(`--limit is "${values.limit}"; it must be a whole number above 0.`);
  }
  const dataDir = resolve(values['data-dir'] ?? env['STUDIO_DATA_DIR'] ?? '.studio');
  const named = values.address ?? env['STUDIO_ADDRESS'];
  // What was written down is another studio's then: its gRPC and its token are of no use.
  const running = named ? {} : readRunFile(dataDir);
  const address = named || running.address;
  if (!address)
    throw new DemoFailure(`No studio runs on ${dataDir}. Start one with \`npm start\`, in another terminal.`);
  if (!isHttp(address))
    throw new DemoFailure(`The studio's address is "${address}"; it must be http://host:port or https://host:port.`);
  const token = values.token ?? env['STUDIO_TOKEN'] ?? running.token;
  if (!token) throw new DemoFailure('The studio needs a token: give one with --token or STUDIO_TOKEN.');
  const grpcAddress = values.grpc ?? running.grpcAddress ?? grpcAddressOf(address);
  return { address: address.replace(/\/+$/, ''), grpcAddress, token, limit };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', short: 'h' },
        limit: { type: 'string' },
        'data-dir': { type: 'string' },
        address: { type: 'string' },
        grpc: { type: 'string' },
        token: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new DemoFailure(`${error instanceof Error ? error.message : String(error)}. See npm run demo -- --help.`);
  }
}

/** As secure as the address is, so that no token goes in the clear; with the port that a URL leaves out. */
function grpcAddressOf(address: string): string {
  const { protocol, hostname, port } = new URL(address);
  return protocol === 'https:' ? `https://${hostname}:${port || 443}` : `${hostname}:${port || 80}`;
}

function isHttp(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

function readRunFile(dataDir: string): { address?: string; grpcAddress?: string; token?: string } {
  const path = join(dataDir, 'run.json');
  if (!existsSync(path)) return {};
  return JSON.parse(readFileSync(path, 'utf8')) as { address?: string; grpcAddress?: string; token?: string };
}
