import { Server, ServerCredentials } from '@grpc/grpc-js';
import { DOORS_DRAIN_MS_MAX, PING_EVERY_MS, REQUEST_BYTES_MAX, STREAMS_PER_CONNECTION_MAX } from '../../limits.ts';
import { createGrpcHandler } from './grpc-handlers.ts';
import { admitBeforeReading } from './grpc-admission.ts';
import type { DescService } from '@bufbuild/protobuf';
import type { Interceptor, MethodImplSpec } from '@connectrpc/connect';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Authenticator } from '../auth/authentication.ts';
import type { ReceivedBytes } from '../http/received-bytes.ts';

export interface NativeGrpcOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly methods: readonly MethodImplSpec[];
  /** The same that the other door runs: authentication, validation, errors, metrics. */
  readonly interceptors: Interceptor[];
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  /** Shared by all that read requests here. */
  readonly received: ReceivedBytes;
}

export interface NativeGrpc {
  readonly port: number;
  /** No new calls; those under way finish within DOORS_DRAIN_MS_MAX; then every connection is closed. */
  drain(): Promise<void>;
}

/** gRPC alone, by @grpc/grpc-js, which takes twice the calls that gRPC through node:http2's requests does. */
export async function startNativeGrpc(options: NativeGrpcOptions): Promise<NativeGrpc> {
  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
    'grpc.keepalive_time_ms': PING_EVERY_MS,
    'grpc.keepalive_timeout_ms': PING_EVERY_MS,
    'grpc.enable_channelz': 0,
    interceptors: [admitBeforeReading(options)],
  });
  for (const service of new Set(options.methods.map(({ method }) => method.parent))) {
    const methods = options.methods.filter(({ method }) => method.parent === service);
    server.addService(definitionOf(service), implementationOf(methods, options.interceptors));
  }
  const address = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    drain: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.forceShutdown(), DOORS_DRAIN_MS_MAX);
        server.tryShutdown(() => {
          clearTimeout(late);
          resolve();
        });
      }),
  };
}

const asBuffer = (bytes: Buffer): Buffer => bytes;

/** Messages pass as bytes; the handlers parse them. */
function definitionOf(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
        responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
        requestSerialize: asBuffer,
        requestDeserialize: asBuffer,
        responseSerialize: asBuffer,
        responseDeserialize: asBuffer,
      },
    ]),
  );
}

function implementationOf(
  methods: readonly MethodImplSpec[],
  interceptors: Interceptor[],
): UntypedServiceImplementation {
  return Object.fromEntries(methods.map((spec) => [spec.method.localName, createGrpcHandler(spec, interceptors)]));
}
