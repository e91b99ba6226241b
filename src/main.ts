#!/usr/bin/env node
/** The command `studio`. Each subcommand loads only what it needs: `serve` never loads the worker. */
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { type Config, environmentWith, readConfig } from './config.ts';
import { SettingError } from './errors.ts';
import { DRAIN_MS_MAX, USER_ID_CHARACTERS_MAX } from './limits.ts';
import type { ReadyMessage } from './local/dev.ts';
import { LocalFailure } from './local/local-failure.ts';

const HELP = `studio: blobs as CRDT documents.

  studio dev       MongoDB, NATS, Temporal, the studio and its worker as one process tree; Ctrl-C ends all
  studio serve     the studio alone (needs STUDIO_MONGODB_URL, STUDIO_NATS_URL, STUDIO_TEMPORAL_ADDRESS)
  studio worker    the Temporal worker alone (needs the same)
  studio token --user NAME [--ttl 12h] [--administrator]
                   a token signed with STUDIO_JWT_SECRET, or with the secret that dev keeps; --ttl as 90s, 30m, 12h, 7d
  studio audit [--blob ID] [--repair] [--json]
                   proves that log, checkpoints, heads, contents and attribution of all blobs agree; names each difference
                   in a line (exit code 1 if there is any); --repair rebuilds heads,
                   checkpoints and attribution from the log
  studio doctor    what each part is, its version, where it comes from, and whether it answers

Settings come from the environment; README.md, Settings, lists them.`;

/** The flags that each command takes. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  dev: [],
  serve: [],
  worker: [],
  token: ['user', 'ttl', 'administrator'],
  audit: ['blob', 'repair', 'json'],
  doctor: [],
};
const DEV_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;
const TOKEN_TTL_DEFAULT = '24h';
const PROGRESS_EVERY_MS = 1_000;

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parse(args);
  const [command, ...more] = positionals;
  if (values.help || command === undefined || command === 'help') {
    print(HELP);
    return values.help || command === 'help' ? 0 : 2;
  }
  if (more.length > 0) throw new LocalFailure(`"${more.join(' ')}" is one word too many.`, 'See studio --help.');
  const foreign = Object.keys(values).find((flag) => FLAGS[command]?.includes(flag) === false);
  if (foreign !== undefined) {
    throw new LocalFailure(`studio ${command} takes no --${foreign}.`, 'See studio --help.');
  }
  switch (command) {
    case 'dev':
      return dev(readConfig());
    case 'serve':
      return serve(readConfig());
    case 'worker':
      return worker(readConfig());
    case 'token':
      return token(readConfig(), values);
    case 'audit':
      return audit(readConfig(), values);
    case 'doctor':
      return doctor(readConfig());
    default:
      throw new LocalFailure(`There is no command "${command}".`, 'See studio --help.');
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        user: { type: 'string' },
        ttl: { type: 'string' },
        administrator: { type: 'boolean' },
        blob: { type: 'string', multiple: true },
        repair: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    // Node's sentences, the first of which says it.
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new LocalFailure(`${sentence.replace(/\.$/, '')}.`, 'See studio --help.', { cause: error });
  }
}

async function dev(config: Config): Promise<number> {
  const [{ runDev }, { signToken }] = await Promise.all([
    import('./local/dev.ts'),
    import('./transport/auth/tokens.ts'),
  ]);
  const { jwtIssuer: issuer, jwtAudience: audience } = config;
  return runDev({
    config,
    entry: [...process.execArgv, String(process.argv[1])],
    environment: environmentWith,
    signToken: (secret) => signToken(secret, { userId: 'you', ttlSeconds: DEV_TOKEN_TTL_SECONDS, issuer, audience }),
    print,
  });
}

async function serve(config: Config): Promise<number> {
  const logger = pino({ level: config.logLevel, name: 'serve' });
  const ended = whenTold();
  const { startServe } = await import('./app.ts');
  const server = await startServe(config, logger);
  const { port, grpcPort } = server;
  logger.info({ port, grpcPort }, 'ready');
  announce({ kind: 'ready', port, grpcPort });
  return drain(await ended, server, logger);
}

async function worker(config: Config): Promise<number> {
  const logger = pino({ level: config.logLevel, name: 'worker' });
  const ended = whenTold();
  const { startWorker } = await import('./worker.ts');
  const running = await startWorker(config, logger);
  logger.info('ready');
  announce({ kind: 'ready' });
  return drain(await ended, running, logger);
}

async function token(
  config: Config,
  values: { user?: string; ttl?: string; administrator?: boolean },
): Promise<number> {
  const [{ readSecret }, { parseDuration }, { signToken }] = await Promise.all([
    import('./local/secret.ts'),
    import('./local/duration.ts'),
    import('./transport/auth/tokens.ts'),
  ]);
  if (!values.user) throw new LocalFailure('A token is for somebody.', 'Say who: studio token --user NAME.');
  if (values.user.length > USER_ID_CHARACTERS_MAX) {
    throw new LocalFailure(
      `The name of a user has at most ${USER_ID_CHARACTERS_MAX} characters.`,
      'Give a shorter one: no studio takes that token.',
    );
  }
  const ttlSeconds = parseDuration(values.ttl ?? TOKEN_TTL_DEFAULT);
  if (ttlSeconds === undefined) {
    throw new LocalFailure(`"${values.ttl}" is not a duration.`, 'Write it as 90s, 30m, 12h or 7d.');
  }
  if (config.jwtSecret === undefined && config.jwksUrl !== undefined) {
    throw new LocalFailure(
      'This studio takes tokens of the issuer of STUDIO_JWKS_URL alone: STUDIO_JWT_SECRET is not set.',
      'Get a token from that issuer.',
    );
  }
  const secret = config.jwtSecret ?? readSecret(config.dataDir);
  if (secret === undefined) {
    throw new LocalFailure(
      `There is no secret to sign with: STUDIO_JWT_SECRET is not set, and ${config.dataDir} has none.`,
      'Run studio dev once, or set STUDIO_JWT_SECRET or STUDIO_DATA_DIR as the studio has it.',
    );
  }
  const { jwtIssuer: issuer, jwtAudience: audience } = config;
  const administrator = values.administrator ?? false;
  print(await signToken(secret, { userId: values.user, ttlSeconds, administrator, issuer, audience }));
  return 0;
}

async function audit(config: Config, values: { blob?: string[]; repair?: boolean; json?: boolean }): Promise<number> {
  const [{ auditStudio }, { readRun }] = await Promise.all([
    import('./documents/audit/audit.ts'),
    import('./local/run-file.ts'),
  ]);
  const url = config.mongodbUrl ?? readRun(config.dataDir).parts.mongodb?.url;
  if (url === undefined) {
    throw new LocalFailure(
      `There is no database to audit: STUDIO_MONGODB_URL is not set, and no studio runs on ${config.dataDir}.`,
      'Set STUDIO_MONGODB_URL, or start studio dev first.',
    );
  }
  let shownAt = -Infinity;
  const report = await auditStudio({
    url,
    database: config.mongodbDatabase,
    blobIds: values.blob,
    repair: values.repair,
    // Standard output has the findings alone.
    logger: pino({ level: 'silent' }),
    onFinding: (finding) =>
      print(
        values.json ? JSON.stringify(finding) : `${finding.level}: ${finding.blobId}: ${finding.kind}: ${finding.text}`,
      ),
    onProgress: ({ blobs, deltas }) => {
      if (performance.now() - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = performance.now();
      process.stderr.write(`${blobs} blobs, ${deltas} deltas\n`);
    },
  });
  const { blobs, deltas, differences } = report;
  if (values.json) print(JSON.stringify({ blobs, deltas, differences }));
  else print(`${blobs} blobs, ${deltas} deltas: ${differences} differences`);
  return differences > 0 ? 1 : 0;
}

async function doctor(config: Config): Promise<number> {
  const { examine } = await import('./local/doctor.ts');
  const findings = await examine(config);
  for (const { fine, subject, text } of findings) print(`${fine ? 'ok ' : 'BAD'}  ${subject.padEnd(9)} ${text}`);
  return findings.every(({ fine }) => fine) ? 0 : 1;
}

/** Resolves with why: a signal, or that the process which started us and talked to us is gone. */
function whenTold(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
    process.once('disconnect', () => resolve('the process that started this one is gone'));
  });
}

async function drain(why: string, running: { stop(): Promise<void> }, logger: pino.Logger): Promise<number> {
  logger.info({ why }, 'draining');
  const bound = new Promise<'late'>((resolve) => setTimeout(resolve, DRAIN_MS_MAX, 'late').unref());
  const outcome = await Promise.race([running.stop().then(() => 'drained' as const), bound]);
  if (outcome === 'drained') return 0;
  logger.error({ drainMs: DRAIN_MS_MAX }, 'not drained in time; ending all the same');
  return 1;
}

function announce(message: ReadyMessage): void {
  process.send?.(message);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function explain(error: unknown): string {
  if (error instanceof LocalFailure) return `${error.message}\n${error.advice}`;
  if (error instanceof SettingError) return `${error.message}\nREADME.md, Settings, lists the settings.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// A terminal or a pipe that is gone must not keep the studio from draining.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  return 1;
});
process.exit(exitCode);
