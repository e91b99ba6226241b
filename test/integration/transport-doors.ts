/** A service of the tests' own behind both doors of the transport, as server.ts wires the studio's. */
import { create, createFileRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  StringValueSchema,
} from '@bufbuild/protobuf/wkt';
import pino from 'pino';
import { Registry } from 'prom-client';
import { StudioError } from '../../src/errors.ts';
import { STREAM_HEADERS_MS_MAX } from '../../src/limits.ts';
import { createAuthenticator } from '../../src/transport/auth/authentication.ts';
import { createCallInterceptors } from '../../src/transport/rpc/call-interceptors.ts';
import { createCallMetrics } from '../../src/transport/rpc/call-metrics.ts';
import { callerKey } from '../../src/transport/auth/caller-context.ts';
import { registerHealth } from '../../src/transport/rpc/health.ts';
import { ReceivedBytes, type ReceivedLimits } from '../../src/transport/http/received-bytes.ts';
import { startListener } from '../../src/transport/port/listener.ts';
import { startNativeGrpc } from '../../src/transport/grpc/native-grpc.ts';
import { createProbes } from '../../src/transport/port/probes.ts';
import { registerReflection } from '../../src/transport/rpc/reflection.ts';
import { createRest } from '../../src/transport/rest/rest.ts';
import { createRpcHandler } from '../../src/transport/rpc/rpc-handler.ts';
import { collectServices } from '../../src/transport/rpc/service-collector.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import type { StringValue } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { ReadinessCheck } from '../../src/transport/port/probes.ts';
import type { RestRoute } from '../../src/transport/rest/rest-route.ts';
import type { UpgradeRoute } from '../../src/transport/port/upgrades.ts';

export const SECRET = 'the secret of the transport tests, long enough to sign';

const message = '.google.protobuf.StringValue';
const repeated = { label: Label.REPEATED };
const file = create(FileDescriptorProtoSchema, {
  name: 'studio/test/echo.proto',
  package: 'studio.test',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  messageType: [
    {
      name: 'Paper',
      field: [
        { name: 'id', number: 1, type: Type.STRING },
        { name: 'content', number: 2, type: Type.BYTES },
        { name: 'content_type', number: 3, type: Type.STRING },
        { name: 'labels', number: 4, type: Type.MESSAGE, typeName: '.studio.test.Paper.LabelsEntry', ...repeated },
        { name: 'tags', number: 5, type: Type.STRING, ...repeated },
        { name: 'draft', number: 6, type: Type.BOOL },
        { name: 'page_size', number: 7, type: Type.INT32 },
        { name: 'etag', number: 8, type: Type.STRING },
      ].map(optional),
      nestedType: [
        {
          name: 'LabelsEntry',
          field: [
            { name: 'key', number: 1, type: Type.STRING },
            { name: 'value', number: 2, type: Type.STRING },
          ].map(optional),
          options: { mapEntry: true },
        },
      ],
    },
    {
      name: 'PaperResponse',
      field: [{ name: 'blob', number: 1, type: Type.MESSAGE, typeName: '.studio.test.Paper' }].map(optional),
    },
  ],
  service: [
    {
      name: 'EchoService',
      method: [
        { name: 'Echo', inputType: message, outputType: message },
        { name: 'Missing', inputType: message, outputType: message },
        { name: 'Write', inputType: '.studio.test.Paper', outputType: '.studio.test.PaperResponse' },
        { name: 'Repeat', inputType: message, outputType: message, serverStreaming: true },
        { name: 'Join', inputType: message, outputType: message, clientStreaming: true },
        { name: 'Converse', inputType: message, outputType: message, clientStreaming: true, serverStreaming: true },
      ],
    },
  ],
});
function optional<T extends { name: string; label?: Label }>(field: T): T & { label: Label; jsonName: string } {
  const jsonName = field.name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return { ...field, label: field.label ?? Label.OPTIONAL, jsonName };
}
const registry = createFileRegistry(file, (name) =>
  name === 'google/protobuf/wrappers.proto' ? file_google_protobuf_wrappers : undefined,
);
export const EchoService: DescService = registry.getService('studio.test.EchoService') ?? missing('EchoService');

export function echoMethod(name: string): DescMethod {
  return EchoService.methods.find((method) => method.name === name) ?? missing(name);
}

function missing(name: string): never {
  throw new Error(`No ${name}`);
}

export function note(value: string): StringValue {
  return create(StringValueSchema, { value });
}

/** Calls that are waiting, so that a test can see their signals abort. */
export const aborted: string[] = [];

function untilAborted(signal: AbortSignal, name: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      aborted.push(name);
      reject(new Error('aborted'));
    });
  });
}

type Paper = Message & { id: string; content: Uint8Array; contentType: string };

const echo = {
  echo: async ({ value }: StringValue, context: HandlerContext) => {
    if (value === 'fail') throw new StudioError('BLOB_NOT_FOUND', 'There is no blob "ü".', { blob_id: 'ü' });
    if (value === 'boom') throw new Error('an inner secret');
    if (value === 'who') return { value: context.values.get(callerKey)?.userId ?? '' };
    if (value === 'slow') await new Promise((resolve) => setTimeout(resolve, 300));
    if (value === 'wait') await untilAborted(context.signal, 'echo');
    context.responseHeader.set('studio-seen', context.requestHeader.get('studio-sent') ?? 'nothing');
    context.responseTrailer.set('studio-after-bin', 'AQID');
    return { value };
  },
  write: (paper: Paper) => {
    if (paper.id === 'fail') throw new StudioError('BLOB_NOT_FOUND', 'There is no blob "fail".', { blob_id: 'fail' });
    return { blob: { ...paper, contentType: paper.contentType || 'text/plain' } };
  },
  repeat: async function* ({ value }: StringValue, context: HandlerContext) {
    const times = Number(value.split(' ', 1)[0]);
    for (let i = 0; i < times; i += 1) yield { value: value.endsWith('large') ? 'x'.repeat(100_000) : String(i) };
    if (value.endsWith('late fail')) await new Promise((resolve) => setTimeout(resolve, 2 * STREAM_HEADERS_MS_MAX));
    if (value.endsWith('fail')) throw new StudioError('CURSOR_INVALID', 'No such cursor.', { field: 'cursor' });
    if (value.endsWith('wait')) await untilAborted(context.signal, `repeat ${value}`);
  },
  join: async (requests: AsyncIterable<StringValue>) => {
    let joined = '';
    for await (const { value } of requests) joined += value;
    return { value: joined };
  },
  converse: async function* (requests: AsyncIterable<StringValue>) {
    for await (const { value } of requests) {
      if (value === 'fail') throw new StudioError('LIMIT_EXCEEDED', 'Enough said.', { limit: 'WORDS_MAX' });
      yield { value: value.toUpperCase() };
    }
  },
};

export interface Doors {
  readonly port: number;
  readonly grpcPort: number;
  readonly token: string;
  readonly logs: Record<string, unknown>[];
  drain(): Promise<void>;
}

export interface DoorOptions {
  readonly checks?: readonly ReadinessCheck[];
  readonly upgrades?: readonly UpgradeRoute[];
  readonly allowedOrigins?: readonly string[];
  readonly restRoutes?: readonly RestRoute[];
  readonly logLevel?: string;
  /** How long a request may take to come. */
  readonly requestMs?: number;
  readonly receivedLimits?: ReceivedLimits;
  readonly openStreamsMax?: number;
  /** Whose keys tokens are verified by, beside SECRET. */
  readonly jwksUrl?: string;
}

export async function openDoors(options: DoorOptions = {}): Promise<Doors> {
  const logs: Record<string, unknown>[] = [];
  const logger = pino(
    { level: options.logLevel ?? 'debug' },
    { write: (line: string) => void logs.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const metricsRegistry = new Registry();
  const draining = new AbortController();
  const authenticator = createAuthenticator({ jwtSecret: SECRET, jwksUrl: options.jwksUrl });
  const { requestMs } = options;
  const interceptors = createCallInterceptors({
    authenticator,
    metrics: createCallMetrics(metricsRegistry),
    logger,
    draining: draining.signal,
    openStreamsMax: options.openStreamsMax,
  });
  const collected = collectServices((router) => {
    router.service(EchoService, echo as unknown as Partial<ServiceImpl<DescService>>);
    registerHealth(router, () => collected.services, draining.signal);
    registerReflection(router, () => collected.services);
  });
  const { methods } = collected;
  const received = new ReceivedBytes(options.receivedLimits);
  const native = await startNativeGrpc({ host: '127.0.0.1', port: 0, methods, interceptors, authenticator, received });
  const listener = await startListener({
    host: '127.0.0.1',
    port: 0,
    handlers: [
      createRpcHandler({ methods, interceptors, authenticator, received, logger, requestMs }),
      createRest({
        routes: options.restRoutes ?? [],
        methods,
        interceptors,
        authenticator,
        received,
        requestMs,
      }),
      createProbes({ checks: options.checks ?? [], registry: metricsRegistry, draining: draining.signal }),
    ],
    upgrades: options.upgrades ?? [],
    allowedOrigins: options.allowedOrigins ?? [],
    draining: draining.signal,
    logger,
  });
  return {
    port: listener.port,
    grpcPort: native.port,
    token: await signToken(SECRET, { userId: 'ada', ttlSeconds: 600 }),
    logs,
    drain: async () => {
      draining.abort();
      await Promise.all([listener.drain(), native.drain()]);
    },
  };
}
