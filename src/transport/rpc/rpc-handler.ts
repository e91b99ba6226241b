import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createConnectRouter } from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { uResponseUnsupportedMediaType } from '@connectrpc/connect/protocol';
import { StudioError } from '../../errors.ts';
import { CALL_DEADLINE_MS_MAX, REQUEST_BYTES_MAX } from '../../limits.ts';
import { keepDeadline } from './deadlines.ts';
import { awaitLetIn, tellHeaders, withEarlyHeaders } from './early-headers.ts';
import { sendError } from '../errors/error-body.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { pathOf } from '../http/http.ts';
import { endIfSlow } from '../http/request-body.ts';
import { admit } from './open-services.ts';
import { emptyRequestBytes, READ_OPTIONS, refuseCall, tellUnreadable, unreadable } from './refusals.ts';
import { COMPRESSIONS, fromAddress, readRequest, readStream, wireOf, withMessage } from './request-reader.ts';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor, MethodImpl, MethodImplSpec } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authentication.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from '../http/http.ts';
import type { ReceivedBytes, Receipt } from '../http/received-bytes.ts';
import type { LetIn } from './early-headers.ts';

export interface RpcHandlerOptions {
  readonly methods: readonly MethodImplSpec[];
  readonly interceptors: Interceptor[];
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  /** Shared by all that read requests here. */
  readonly received: ReceivedBytes;
  readonly logger: Logger;
  /** Default: REQUEST_RECEIVE_MS_MAX. */
  readonly requestMs?: number;
}

/**
 * gRPC, gRPC-Web and Connect for `methods`. What connect-node's own adapter does, with four differences:
 * who calls is known before anything of a request is read, failures go to the log, a request it can't read (an
 * impossible Host header) is answered instead of thrown, which would end the process, and a stream's headers do not wait
 * for its first message.
 */
export function createRpcHandler(options: RpcHandlerOptions): HttpHandler {
  const router = createConnectRouter({
    interceptors: [tellHeaders, tellUnreadable, ...options.interceptors],
    acceptCompression: COMPRESSIONS,
    binaryOptions: READ_OPTIONS,
    readMaxBytes: REQUEST_BYTES_MAX,
    maxTimeoutMs: CALL_DEADLINE_MS_MAX,
  });
  for (const { method, impl } of options.methods) router.rpc(method, impl as MethodImpl<DescMethod>);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(pathOf(request));
    if (!handler) return false;
    answer(handler, request, response, options).catch((error: unknown) => {
      // Aborted: the caller went away while its answer was being written.
      if (ConnectError.from(error).code !== Code.Aborted) {
        options.logger.warn({ err: error, rpc: handler.requestPath }, 'an answer could not be written');
      }
      if (!response.headersSent) response.destroy();
    });
    return true;
  };
}

async function answer(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
  options: RpcHandlerOptions,
): Promise<void> {
  const letIn = awaitLetIn();
  let universal: UniversalServerRequest;
  try {
    universal = universalRequestFromNodeRequest(request, response, undefined, letIn.contextValues);
  } catch {
    sendError(response, new StudioError('FIELD_INVALID', 'The request has no usable Host.', { field: 'Host' }));
    return;
  }
  keepDeadline(universal.header, letIn.contextValues);
  const { methodKind } = handler.method;
  // The messages of a stream come when they come.
  if (methodKind === 'unary' || methodKind === 'server_streaming') endIfSlow(request, options.requestMs);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { typeName } = handler.service;
  const admission = await admit(typeName, request.headers.authorization, options.authenticator);
  if ('refusal' in admission) refuseCall(letIn.contextValues, admission.refusal);
  const receipt = 'refusal' in admission ? undefined : options.received.open(admission.userId, gone.signal);
  await universalResponseToNodeResponse(await answered(handler, universal, letIn, receipt), response);
}

/** `receipt`: absent for a call of nobody, of which nothing is read. */
function answered(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  letIn: LetIn,
  receipt: Receipt | undefined,
): Promise<UniversalServerResponse> {
  const { method } = handler;
  if (method.methodKind === 'unary') return answerUnary(handler, request, letIn, receipt);
  // The interceptors of a stream are asked before its first message, and refuse who is nobody.
  const { body } = request;
  const { contextValues } = letIn;
  const answer = handler(
    receipt && isBytes(body) ? readStream(request, body, method, { receipt, contextValues }) : request,
  );
  return method.methodKind === 'client_streaming' ? answer : withEarlyHeaders(answer, letIn);
}

/** Connect reads the request of a unary call first. So of somebody unknown it gets none, and what can't be read neither. */
async function answerUnary(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  letIn: LetIn,
  receipt: Receipt | undefined,
): Promise<UniversalServerResponse> {
  const { method } = handler;
  const posted = isInAddress(request, method) ? fromAddress(request) : request;
  const nothing = emptyRequestBytes(method.input, wireOf(posted).isJson);
  let message = nothing;
  if (receipt && isBytes(posted.body)) {
    try {
      message = await readRequest(posted, posted.body, method, receipt);
    } catch (error) {
      refuseCall(letIn.contextValues, toConnectError(error));
    }
  }
  const answer = await handler(withMessage(posted, message));
  if (letIn.wasAsked || answer.status === uResponseUnsupportedMediaType.status) return answer;
  refuseCall(letIn.contextValues, unreadable(method.input, message, wireOf(posted).isJson));
  return handler(withMessage(posted, nothing));
}

function isInAddress({ method }: UniversalServerRequest, { idempotency }: DescMethod): boolean {
  return method === 'GET' && idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

/** Not a message that was parsed before it came here. */
function isBytes(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
