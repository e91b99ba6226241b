/** The only file that reads the environment. Everything else is handed what it needs. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { shapeOf } from './domain/content/shape.ts';
import { SettingError } from './errors.ts';
import { Failpoints } from './failpoints.ts';
import { JWT_SECRET_BYTES_MIN } from './limits.ts';

export interface Config {
  /** Address the listener binds; 127.0.0.1 unless STUDIO_HOST says otherwise. */
  readonly host: string;
  /** gRPC, Connect, gRPC-Web, REST, WebSocket and probes. STUDIO_PORT, default 8010. */
  readonly port: number;
  /** Native gRPC alone, served by @grpc/grpc-js. STUDIO_GRPC_PORT, default 8011; 0 picks a free one. */
  readonly grpcPort: number;
  /** Data of the parts we start ourselves, locks and secrets. STUDIO_DATA_DIR, default `.studio`. */
  readonly dataDir: string;
  /** Where downloaded parts are kept; shared by data folders. STUDIO_PARTS_DIR, default `<dataDir>/parts`. */
  readonly partsDir: string;
  /** STUDIO_MONGODB_URL. Given: that server is used. Absent: `studio dev` starts one. */
  readonly mongodbUrl?: string;
  /** STUDIO_MONGODB_DATABASE, default `studio`. */
  readonly mongodbDatabase: string;
  /** As STUDIO_MONGODB_URL: STUDIO_NATS_URL. */
  readonly natsUrl?: string;
  /** The same: STUDIO_TEMPORAL_ADDRESS, host:port. */
  readonly temporalAddress?: string;
  /** STUDIO_TEMPORAL_NAMESPACE, default `default`. */
  readonly temporalNamespace: string;
  /** HS256 secret, of 32 bytes at least; `studio dev` makes and keeps one when neither it nor a JWKS URL is given. */
  readonly jwtSecret?: string;
  /** Where keys of signed tokens are read. STUDIO_JWKS_URL; absent: the secret alone counts. */
  readonly jwksUrl?: string;
  /** The `iss` a token must have, and what must be among its `aud`. STUDIO_JWT_ISSUER, STUDIO_JWT_AUDIENCE; absent: any. */
  readonly jwtIssuer?: string;
  readonly jwtAudience?: string;
  /** Browser origins allowed beside our own host, comma-separated. STUDIO_ALLOWED_ORIGINS. */
  readonly allowedOrigins: readonly string[];
  /** Prefixes that workflow ids, types and task queues of `workflow` providers may carry. STUDIO_WORKFLOW_QUEUE_PREFIXES. */
  readonly workflowQueuePrefixes: readonly string[];
  /** Content type of the blob that an editor makes by naming one that does not exist. STUDIO_SYNC_CREATE; absent: none. */
  readonly syncCreate?: string;
  /** What the live documents of this process may take, about, in megabytes. STUDIO_DOCUMENTS_MEMORY_MB, default 512. */
  readonly documentsMemoryMb: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** See failpoints.ts. STUDIO_FAILPOINTS; empty in production. */
  readonly failpoints: string;
  /** Where a name of this process starts; a random part is added at start. */
  readonly processName: string;
  /** PATH for finding parts already installed. */
  readonly searchPath: string;
}

/** Throws SettingError. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  const list = (name: string, fallback: string): string[] =>
    (text(name) ?? fallback)
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean);
  const port = (name: string, fallback: number): number => {
    const raw = text(name);
    const value = raw === undefined ? fallback : Number(raw);
    if (!Number.isInteger(value) || value < 0 || value > 65_535)
      throw new SettingError(`${name} is "${raw}"; it must be a port, 0 to 65535.`);
    return value;
  };
  const megabytes = (name: string, fallback: number): number => {
    const raw = text(name);
    const value = raw === undefined ? fallback : Number(raw);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new SettingError(`${name} is "${raw}"; it must be whole megabytes.`);
    return value;
  };
  const logLevel = text('STUDIO_LOG_LEVEL') ?? 'info';
  if (!isLogLevel(logLevel))
    throw new SettingError(`STUDIO_LOG_LEVEL is "${logLevel}"; it must be debug, info, warn, error or silent.`);
  /** What it is set to is not repeated: URLs and secrets may hold a password. */
  const fitting = (name: string, fits: (value: string) => boolean, demand: string): string | undefined => {
    const value = text(name);
    if (value !== undefined && !fits(value)) throw new SettingError(`${name} ${demand}.`);
    return value;
  };
  const [first, second] = [port('STUDIO_PORT', 8010), port('STUDIO_GRPC_PORT', 8011)];
  if (first === second && first !== 0)
    throw new SettingError(`STUDIO_PORT and STUDIO_GRPC_PORT are both ${first}; each must be a port of its own.`);
  const dataDir = resolve(text('STUDIO_DATA_DIR') ?? '.studio');
  return {
    host: text('STUDIO_HOST') ?? '127.0.0.1',
    port: first,
    grpcPort: second,
    dataDir,
    partsDir: resolve(text('STUDIO_PARTS_DIR') ?? `${dataDir}/parts`),
    mongodbUrl: fitting('STUDIO_MONGODB_URL', isMongodbUrl, 'must be mongodb://host or mongodb+srv://host'),
    mongodbDatabase: text('STUDIO_MONGODB_DATABASE') ?? 'studio',
    natsUrl: fitting('STUDIO_NATS_URL', isNatsUrl, 'must be the URL of one server, nats://host:4222'),
    temporalAddress: fitting('STUDIO_TEMPORAL_ADDRESS', isAddress, 'must be host:port'),
    temporalNamespace: text('STUDIO_TEMPORAL_NAMESPACE') ?? 'default',
    jwtSecret: fitting('STUDIO_JWT_SECRET', isLongEnough, `must have at least ${JWT_SECRET_BYTES_MIN} bytes`),
    jwksUrl: fitting('STUDIO_JWKS_URL', isHttpUrl, 'must be an https:// or http:// URL'),
    jwtIssuer: text('STUDIO_JWT_ISSUER'),
    jwtAudience: text('STUDIO_JWT_AUDIENCE'),
    allowedOrigins: list('STUDIO_ALLOWED_ORIGINS', ''),
    workflowQueuePrefixes: list('STUDIO_WORKFLOW_QUEUE_PREFIXES', 'expand-,provider-'),
    syncCreate: fitting('STUDIO_SYNC_CREATE', isEdited, 'must be a content type that is edited live'),
    documentsMemoryMb: megabytes('STUDIO_DOCUMENTS_MEMORY_MB', 512),
    logLevel,
    failpoints:
      fitting(
        'STUDIO_FAILPOINTS',
        isPlan,
        'must be a list of name=kill or name=error, of names in src/failpoints.ts',
      ) ?? '',
    processName: text('STUDIO_PROCESS_NAME') ?? hostname(),
    searchPath: env['PATH'] ?? '',
  };
}

/** This process's environment for one it starts, with these settings in place of its own. */
export function environmentWith(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...settings };
}

function isLogLevel(value: string): value is Config['logLevel'] {
  return ['debug', 'info', 'warn', 'error', 'silent'].includes(value);
}

function isMongodbUrl(value: string): boolean {
  return /^mongodb(\+srv)?:\/\/[^/?]/.test(value);
}

function isNatsUrl(value: string): boolean {
  const url = value.includes('://') ? value : `nats://${value}`;
  return URL.canParse(url) && new URL(url).host !== '';
}

function isAddress(value: string): boolean {
  return !/[/@]/.test(value) && URL.canParse(`http://${value}`);
}

function isHttpUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

function isLongEnough(secret: string): boolean {
  return Buffer.byteLength(secret) >= JWT_SECRET_BYTES_MIN;
}

function isEdited(contentType: string): boolean {
  return passes(() => shapeOf(contentType) !== 'binary');
}

function isPlan(failpoints: string): boolean {
  return passes(() => new Failpoints(failpoints) instanceof Failpoints);
}

function passes(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
