/** A typed client of any service, from its generated description: promises for single answers, iterables for streams. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Metadata } from '@grpc/grpc-js';
import { StudioCallError } from './call-error.ts';
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type {
  CallOptions as GrpcCallOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  ServiceError,
} from '@grpc/grpc-js';

export interface CallOptions {
  /** The call fails with DEADLINE_EXCEEDED after this long. Absent: the client's for a single answer, none for a stream. */
  readonly timeoutMs?: number;
  /** Cancels the call; a stream then just ends. */
  readonly signal?: AbortSignal;
}

export interface Channel {
  readonly grpc: Client;
  /** For each call anew, so that a token may be replaced before it expires. */
  readonly token: () => string;
  readonly timeoutMs: number;
}

type Unary<I extends DescMessage, O extends DescMessage> = (
  request: MessageInitShape<I>,
  options?: CallOptions,
) => Promise<MessageShape<O>>;

type ServerStreaming<I extends DescMessage, O extends DescMessage> = (
  request: MessageInitShape<I>,
  options?: CallOptions,
) => AsyncIterable<MessageShape<O>>;

type BiDiStreaming<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageInitShape<I>>,
  options?: CallOptions,
) => AsyncIterable<MessageShape<O>>;

type Call<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? Unary<I, O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? ServerStreaming<I, O>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? BiDiStreaming<I, O>
        : never;

/** The service's methods but those that stream to a single answer. Calls reject, and streams throw, with a StudioCallError. */
export type ServiceClient<S extends DescService> = {
  readonly [M in keyof S['method'] as Call<S['method'][M]> extends never ? never : M]: Call<S['method'][M]>;
};

export function createServiceClient<S extends DescService>(service: S, channel: Channel): ServiceClient<S> {
  const calls: Record<string, unknown> = {};
  for (const method of service.methods) {
    if (method.methodKind === 'unary') calls[method.localName] = unary(method, channel);
    else if (method.methodKind === 'server_streaming') calls[method.localName] = serverStreaming(method, channel);
    else if (method.methodKind === 'bidi_streaming') calls[method.localName] = biDiStreaming(method, channel);
  }
  return calls as ServiceClient<S>;
}

function unary(method: DescMethod, channel: Channel): Unary<DescMessage, DescMessage> {
  const { path, serialize, deserialize } = wireOf(method);
  return (request, options = {}) =>
    new Promise((resolve, reject) => {
      const { signal, timeoutMs = channel.timeoutMs } = options;
      const answered = (error: ServiceError | null, response?: MessageShape<DescMessage>): void => {
        signal?.removeEventListener('abort', cancel);
        if (error || !response) reject(error ? new StudioCallError(error) : new Error('The call gave no answer.'));
        else resolve(response);
      };
      const message = create(method.input, request);
      const limits = { deadline: Date.now() + timeoutMs };
      const call = channel.grpc.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        message,
        authorization(channel),
        limits,
        answered,
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel);
      if (signal?.aborted) cancel();
    });
}

function serverStreaming(method: DescMethod, channel: Channel): ServerStreaming<DescMessage, DescMessage> {
  const { path, serialize, deserialize } = wireOf(method);
  return (request, options = {}) => {
    const limits: GrpcCallOptions = options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
    const message = create(method.input, request);
    const metadata = authorization(channel);
    const stream = channel.grpc.makeServerStreamRequest(path, serialize, deserialize, message, metadata, limits);
    // Cancelling raises an error on the stream, also when nobody reads it any more.
    stream.on('error', () => {});
    return readAll(stream, options.signal);
  };
}

function biDiStreaming(method: DescMethod, channel: Channel): BiDiStreaming<DescMessage, DescMessage> {
  const { path, serialize, deserialize } = wireOf(method);
  return (requests, options = {}) => {
    const limits: GrpcCallOptions = options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
    const stream = channel.grpc.makeBidiStreamRequest(path, serialize, deserialize, authorization(channel), limits);
    stream.on('error', () => {});
    // What fails in the caller's own requests is thrown where the answers are read.
    sendAll(stream, method, requests).catch((error: unknown) =>
      stream.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return readAll(stream, options.signal);
  };
}

/** As fast as the studio takes them; no further once the call is over. */
async function sendAll(
  stream: ClientDuplexStream<MessageShape<DescMessage>, MessageShape<DescMessage>>,
  method: DescMethod,
  requests: AsyncIterable<MessageInitShape<DescMessage>>,
): Promise<void> {
  const over = new Promise<void>((resolve) => void stream.once('close', resolve).once('end', resolve));
  for await (const request of requests) {
    if (stream.destroyed || stream.readableEnded) return;
    if (!stream.write(create(method.input, request))) {
      await Promise.race([over, new Promise((resolve) => stream.once('drain', resolve))]);
    }
  }
  stream.end();
}

async function* readAll<T>(stream: ClientReadableStream<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const cancel = (): void => stream.cancel();
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted) cancel();
  try {
    for await (const message of stream) yield message as T;
  } catch (error) {
    if (!signal?.aborted) throw isServiceError(error) ? new StudioCallError(error) : error;
  } finally {
    signal?.removeEventListener('abort', cancel);
    // The reader left in the middle.
    cancel();
  }
}

function wireOf(method: DescMethod): {
  readonly path: string;
  readonly serialize: (message: MessageShape<DescMessage>) => Buffer;
  readonly deserialize: (bytes: Buffer) => MessageShape<DescMessage>;
} {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    serialize: (message) => {
      const bytes = toBinary(method.input, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    deserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

function authorization(channel: Channel): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${channel.token()}`);
  return metadata;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
