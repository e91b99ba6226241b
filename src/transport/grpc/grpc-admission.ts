/** @grpc/grpc-js takes the whole request of a unary call, and decompresses it, before its handler is called. */
import { create } from '@bufbuild/protobuf';
import { invokeUnaryImplementation } from '@connectrpc/connect/protocol';
import { ServerInterceptingCall } from '@grpc/grpc-js';
import { createCallContext } from './call-context.ts';
import { headersOf, statusOf } from './grpc-metadata.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { admit } from '../rpc/open-services.ts';
import { refuseCall } from '../rpc/refusals.ts';
import type { Interceptor, MethodImplSpec } from '@connectrpc/connect';
import type { Metadata, ServerInterceptingCallInterface, ServerInterceptor, StatusObject } from '@grpc/grpc-js';
import type { Authenticator } from '../auth/authentication.ts';
import type { ReceivedBytes, Receipt } from '../http/received-bytes.ts';

export interface AdmissionOptions {
  readonly methods: readonly MethodImplSpec[];
  readonly interceptors: Interceptor[];
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  /** Shared by all that read requests here. */
  readonly received: ReceivedBytes;
}

/**
 * Nothing is read of a request before it is known who calls. G7: the request of a unary call is counted from when it is
 * there until the call is over.
 */
export function admitBeforeReading(options: AdmissionOptions): ServerInterceptor {
  const { methods, interceptors, authenticator, received } = options;
  const specs = new Map(methods.map((spec) => [`/${spec.method.parent.typeName}/${spec.method.name}`, spec]));
  return ({ path }, call) => {
    const spec = specs.get(path);
    // The interceptors of a stream are asked before its first message is read.
    if (spec?.kind !== 'unary') return new ServerInterceptingCall(call);
    const over = new AbortController();
    let request: { readonly metadata: Metadata; readonly receipt: Receipt } | undefined;
    const refuse = async (metadata: Metadata, refusal: Error): Promise<void> =>
      call.sendStatus(await toldBy(interceptors, refusal, spec, metadata, call));
    const look = async (metadata: Metadata, next: (metadata: Metadata) => void): Promise<void> => {
      const [authorization] = metadata.get('authorization').map(String);
      const admission = await admit(spec.method.parent.typeName, authorization, authenticator);
      if ('refusal' in admission) return refuse(metadata, admission.refusal);
      request = { metadata, receipt: received.open(admission.userId, over.signal) };
      next(metadata);
    };
    const take = (message: Uint8Array, next: (message: Uint8Array) => void): void => {
      try {
        request?.receipt.take(message.byteLength);
      } catch (error) {
        if (request) void refuse(request.metadata, toConnectError(error));
        return;
      }
      next(message);
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, go) => void look(metadata, go),
          onReceiveMessage: take,
          // Told of every call when it is over, also of one that was answered.
          onCancel: () => over.abort(),
        }),
    });
  };
}

/** What the interceptors make of the refusal. */
async function toldBy(
  interceptors: Interceptor[],
  refusal: Error,
  spec: MethodImplSpec & { kind: 'unary' },
  metadata: Metadata,
  call: ServerInterceptingCallInterface,
): Promise<StatusObject> {
  const context = createCallContext(spec, {
    url: `http://${call.getHost()}/${spec.method.parent.typeName}/${spec.method.name}`,
    deadlineMs: Infinity,
    requestHeader: headersOf(metadata),
  });
  refuseCall(context.values, refusal);
  try {
    await invokeUnaryImplementation(spec, context, create(spec.method.input), interceptors);
    throw new Error('a call that is not let in was answered');
  } catch (error) {
    return statusOf(toConnectError(error), context.responseTrailer);
  } finally {
    context.abort();
  }
}
