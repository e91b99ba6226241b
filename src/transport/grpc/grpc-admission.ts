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

export interface AdmissionOptions {
  readonly methods: readonly MethodImplSpec[];
  readonly interceptors: Interceptor[];
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
}

/** Nothing is read of a request before it is known who calls. */
export function admitBeforeReading({ methods, interceptors, authenticator }: AdmissionOptions): ServerInterceptor {
  const specs = new Map(methods.map((spec) => [`/${spec.method.parent.typeName}/${spec.method.name}`, spec]));
  return ({ path }, call) => {
    const spec = specs.get(path);
    // The interceptors of a stream are asked before its first message is read.
    if (spec?.kind !== 'unary') return new ServerInterceptingCall(call);
    const look = async (metadata: Metadata, next: (metadata: Metadata) => void): Promise<void> => {
      const [authorization] = metadata.get('authorization').map(String);
      const admission = await admit(spec.method.parent.typeName, authorization, authenticator);
      if ('refusal' in admission) call.sendStatus(await toldBy(interceptors, admission.refusal, spec, metadata, call));
      else next(metadata);
    };
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onReceiveMetadata: (metadata, go) => void look(metadata, go) }),
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
