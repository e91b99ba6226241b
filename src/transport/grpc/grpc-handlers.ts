/** Turns one connect-style method implementation into the @grpc/grpc-js handler of the same method. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { invokeUnaryImplementation, transformInvokeImplementation } from '@connectrpc/connect/protocol';
import { createCallContext, type CallContext } from './call-context.ts';
import { headersOf, metadataOf, statusOf } from './grpc-metadata.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { requireFewBytes } from '../http/request-body.ts';
import { refuseDeadline } from '../rpc/deadlines.ts';
import { requestBytesMax } from '../rpc/open-services.ts';
import { notA, READ_OPTIONS, refuseCall } from '../rpc/refusals.ts';
import { requireFewElements } from '../rpc/request-elements.ts';
import { CALL_DEADLINE_MS_MAX, STREAM_HEADERS_MS_MAX } from '../../limits.ts';
import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf';
import type { Interceptor, MethodImplSpec } from '@connectrpc/connect';
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  sendUnaryData,
  ServerUnaryCall,
  StatusObject,
  UntypedHandleCall,
} from '@grpc/grpc-js';

type Bytes = Buffer;
type Surface = Pick<
  ServerUnaryCall<Bytes, Bytes>,
  'metadata' | 'getDeadline' | 'getPath' | 'getHost' | 'sendMetadata'
> & {
  on(event: 'cancelled', listener: () => void): unknown;
};

/** The handler speaks bytes: it parses and serializes itself, so that bytes fields come as on the other door. */
export function createGrpcHandler(spec: MethodImplSpec, interceptors: Interceptor[]): UntypedHandleCall {
  if (spec.kind === 'unary') return unary(spec, interceptors);
  if (spec.kind === 'client_streaming') return clientStreaming(spec, interceptors);
  if (spec.kind === 'server_streaming') {
    return ((call) => {
      const requests = once(() => parse(spec.method, call.request));
      void pump(call, contextOf(spec, call), spec, interceptors, requests);
    }) satisfies handleServerStreamingCall<Bytes, Bytes>;
  }
  return ((call) => {
    const requests = parsed(spec.method, call.iterator({ destroyOnReturn: false }));
    void pump(call, contextOf(spec, call), spec, interceptors, requests);
  }) satisfies handleBidiStreamingCall<Bytes, Bytes>;
}

function unary(spec: MethodImplSpec & { kind: 'unary' }, interceptors: Interceptor[]): handleUnaryCall<Bytes, Bytes> {
  return (call, callback) => {
    const context = contextOf(spec, call);
    void respond(call, context, callback, async () => {
      const request = readOrRefuse(spec, context, call.request);
      return toBytes(spec.method.output, await invokeUnaryImplementation(spec, context, request, interceptors));
    });
  };
}

function clientStreaming(
  spec: MethodImplSpec & { kind: 'client_streaming' },
  interceptors: Interceptor[],
): handleClientStreamingCall<Bytes, Bytes> {
  return (call, callback) => {
    const context = contextOf(spec, call);
    void respond(call, context, callback, async () => {
      const requests = parsed(spec.method, call.iterator({ destroyOnReturn: false }));
      for await (const message of transformInvokeImplementation(spec, context, interceptors)(requests)) {
        return toBytes(spec.method.output, message);
      }
      throw new ConnectError('The call gave no answer.', Code.Internal);
    });
  };
}

async function respond(
  call: Surface,
  context: CallContext,
  callback: sendUnaryData<Bytes>,
  work: () => Promise<Bytes>,
): Promise<void> {
  let failed: Partial<StatusObject> | null = null;
  let bytes: Bytes | undefined;
  try {
    bytes = await work();
    sendHeaders(call, context);
  } catch (error) {
    failed = statusOf(toConnectError(error), context.responseTrailer);
  }
  // An error's metadata holds the trailers already; given apart, they would replace it.
  if (failed) callback(failed);
  else callback(null, bytes, metadataOf(context.responseTrailer));
  context.abort();
}

type ResponseStream =
  Parameters<handleServerStreamingCall<Bytes, Bytes>>[0] | Parameters<handleBidiStreamingCall<Bytes, Bytes>>[0];

async function pump(
  call: ResponseStream,
  context: CallContext,
  spec: MethodImplSpec & { kind: 'server_streaming' | 'bidi_streaming' },
  interceptors: Interceptor[],
  requests: AsyncIterable<MessageShape<DescMessage>>,
): Promise<void> {
  // A peer that resets the stream raises an error on it; the call's end is told by `cancelled`.
  call.on('error', () => {});
  let sentHeaders = false;
  // A stream may have nothing to say for long; its headers tell the caller that it was let in. One that is refused at
  // once is answered by its status alone.
  const quiet = setTimeout(() => {
    if (!sentHeaders && !call.cancelled) call.sendMetadata(metadataOf(context.responseHeader));
    sentHeaders = true;
  }, STREAM_HEADERS_MS_MAX);
  try {
    for await (const message of transformInvokeImplementation(spec, context, interceptors)(requests)) {
      if (call.cancelled) break;
      if (!sentHeaders) sendHeaders(call, context);
      sentHeaders = true;
      if (!call.write(toBytes(spec.method.output, message))) await writable(call, context.signal);
    }
    if (!call.cancelled) call.end(metadataOf(context.responseTrailer));
  } catch (error) {
    if (!call.cancelled) call.emit('error', statusOf(toConnectError(error), context.responseTrailer));
  } finally {
    clearTimeout(quiet);
    context.abort();
  }
}

function contextOf(spec: MethodImplSpec, call: Surface): CallContext {
  const deadline = call.getDeadline();
  const context = createCallContext(spec, {
    url: `http://${call.getHost()}${call.getPath()}`,
    deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
    requestHeader: headersOf(call.metadata),
  });
  if ((context.timeoutMs() ?? 0) > CALL_DEADLINE_MS_MAX) refuseDeadline(context.values);
  // Also told of a call that was answered; its context is over by then.
  call.on('cancelled', () => {
    if (!context.signal.aborted) context.abort(new ConnectError('The caller went away.', Code.Canceled));
  });
  return context;
}

/** Only when the implementation set any: otherwise they go out with the first message. */
function sendHeaders(call: Surface, context: CallContext): void {
  const metadata = metadataOf(context.responseHeader);
  if (Object.keys(metadata.getMap()).length > 0) call.sendMetadata(metadata);
}

function writable(call: ResponseStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.removeListener('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    if (signal.aborted) {
      resolve();
      return;
    }
    call.on('drain', done);
    signal.addEventListener('abort', done);
  });
}

async function* once<T>(make: () => T): AsyncIterable<T> {
  yield make();
}

async function* parsed(method: DescMethod, messages: AsyncIterable<Bytes>): AsyncIterable<MessageShape<DescMessage>> {
  for await (const bytes of messages) yield parse(method, bytes);
}

/** What is wrong with the request of a unary call is for its interceptors to tell. */
function readOrRefuse({ method }: MethodImplSpec, { values }: CallContext, bytes: Bytes): MessageShape<DescMessage> {
  try {
    return parse(method, bytes);
  } catch (error) {
    refuseCall(values, toConnectError(error));
    return create(method.input);
  }
}

function parse({ input, parent }: DescMethod, bytes: Bytes): MessageShape<DescMessage> {
  requireFewBytes(bytes.byteLength, requestBytesMax(parent.typeName));
  requireFewElements(input, bytes, false);
  try {
    // A plain view: bytes fields would otherwise be Buffers here and Uint8Arrays on the other door.
    return fromBinary(input, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), READ_OPTIONS);
  } catch (error) {
    throw notA(input, error);
  }
}

function toBytes<T extends DescMessage>(type: T, message: MessageShape<T>): Bytes {
  const bytes = toBinary(type, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
