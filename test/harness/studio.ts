/** A real studio process, as users run it: `node dist/main.js serve` or `worker`. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { eventually } from './eventually.ts';
import { STUDIO_LOG_BYTES_MAX, STUDIO_READY_MS_MAX, STUDIO_STOP_MS_MAX } from './limits.ts';
import type { TestParts } from './parts.ts';
import { projectRoot } from './paths.ts';
import { freePort } from './ports.ts';

export interface StartStudio {
  readonly parts: TestParts;
  /** Default `serve`. */
  readonly command?: 'serve' | 'worker';
  /** Beside, or instead of, what the parts give: a proxy's STUDIO_MONGODB_URL, say. */
  readonly env?: Readonly<Record<string, string>>;
  /** Those of one that is gone; free ones by default. */
  readonly ports?: { readonly port: number; readonly grpcPort: number };
  /** STUDIO_FAILPOINTS. */
  readonly failpoints?: string;
}

export interface TestStudio {
  readonly pid: number;
  readonly port: number;
  readonly grpcPort: number;
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  /** `ws://127.0.0.1:<port>` */
  readonly socketAddress: string;
  /** A JWT for this user; without a lifetime it never expires. */
  token(userId: string, options?: { readonly ttlSeconds?: number; readonly administrator?: boolean }): Promise<string>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and its exit code; rejects if it does not drain in time. Fine if it is gone already. */
  stop(): Promise<number | null>;
  logs(): string;
}

export async function startStudio(options: StartStudio): Promise<TestStudio> {
  const command = options.command ?? 'serve';
  const main = join(projectRoot, 'dist', 'main.js');
  if (!existsSync(main)) throw new Error('dist/main.js is missing: run `npm run build` first (npm test does).');
  const { port, grpcPort } = options.ports ?? { port: await freePort(), grpcPort: await freePort() };
  const child = spawn(process.execPath, ['--enable-source-maps', main, command], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...outerEnvironment(),
      STUDIO_PORT: String(port),
      STUDIO_GRPC_PORT: String(grpcPort),
      STUDIO_FAILPOINTS: options.failpoints ?? '',
      ...options.parts.environment,
      ...options.env,
    },
  });
  let logs = '';
  const collect = (chunk: Buffer): void =>
    void (logs = `${logs}${chunk.toString('utf8')}`.slice(-STUDIO_LOG_BYTES_MAX));
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let gone = false;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true;
      resolve({ code, signal });
    });
  });
  // uvu sets the exit code when a test failed: then, and only then, what the studio said is worth reading.
  process.once('exit', (code) => {
    if (code !== 0) process.stdout.write(`\n── the end of what ${command} ${child.pid} said\n${logs.slice(-8_000)}\n`);
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };

  const address = `http://127.0.0.1:${port}`;
  const isReady = async (): Promise<boolean> => {
    if (gone) return true;
    if (command === 'worker') return /\bready\b/i.test(logs);
    return (await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok;
  };
  await eventually(`${command} is ready`, isReady, STUDIO_READY_MS_MAX).catch(async (error: unknown) => {
    await kill();
    throw new Error(`studio ${command} did not become ready:\n${logs.slice(-8_000)}`, { cause: error });
  });
  if (gone) throw new Error(`studio ${command} ended before it was ready:\n${logs.slice(-8_000)}`);

  return {
    pid: child.pid ?? 0,
    port,
    grpcPort,
    address,
    socketAddress: `ws://127.0.0.1:${port}`,
    token: (userId, token) => signToken(options.parts.jwtSecret, { userId, ...token }),
    exited,
    kill,
    stop: async () => {
      child.kill('SIGTERM');
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, STUDIO_STOP_MS_MAX, 'late')));
      const ended = await Promise.race([exited, late]);
      clearTimeout(timer);
      if (ended !== 'late') return ended.code;
      await kill();
      throw new Error(
        `studio ${command} did not end within ${STUDIO_STOP_MS_MAX} ms of SIGTERM:\n${logs.slice(-8_000)}`,
      );
    },
    logs: () => logs,
  };
}

/** What the test file was given, without settings meant for a studio outside of the tests. */
function outerEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('STUDIO_') || name === 'STUDIO_TEST_MARK'),
  );
}
