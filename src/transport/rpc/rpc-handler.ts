import { Code, ConnectError, createConnectRouter } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { CALL_DEADLINE_MS_MAX, REQUEST_BYTES_MAX } from '../../limits.ts';
import { withinDeadline } from './deadlines.ts';
import { awaitLetIn, tellHeaders, withEarlyHeaders } from './early-headers.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { pathOf, sendJson } from '../http/http.ts';
import { admittedBody, endIfSlow } from '../http/request-body.ts';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Interceptor, MethodImpl, MethodImplSpec } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authentication.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from '../http/http.ts';

export interface RpcHandlerOptions {
  readonly methods: readonly MethodImplSpec[];
  readonly interceptors: Interceptor[];
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly logger: Logger;
  /** Default: REQUEST_RECEIVE_MS_MAX. */
  readonly requestMs?: number;
}

/**
 * gRPC, gRPC-Web and Connect for `methods`. What connect-node's own adapter does, with three differences:
 * failures go to the log, a request it can't read (an impossible Host header) is answered instead of thrown, which
 * would end the process, and a stream's headers do not wait for its first message.
 */
export function createRpcHandler(options: RpcHandlerOptions): HttpHandler {
  const router = createConnectRouter({
    interceptors: [tellHeaders, ...options.interceptors],
    acceptCompression: [compressionGzip, compressionBrotli],
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
  { authenticator, requestMs }: RpcHandlerOptions,
): Promise<void> {
  const letIn = awaitLetIn();
  let universal: ReturnType<typeof universalRequestFromNodeRequest>;
  try {
    universal = universalRequestFromNodeRequest(request, response, undefined, letIn.contextValues);
  } catch {
    sendJson(response, 400, { code: 'invalid_argument', message: 'The request has no usable Host.' });
    return;
  }
  const { methodKind } = handler.method;
  // The messages of a stream come when they come, and its interceptors are asked before the first.
  if (methodKind === 'unary' || methodKind === 'server_streaming') {
    endIfSlow(request, requestMs);
    const admit = async (): Promise<void> => {
      await authenticator.authenticate(request.headers.authorization).catch((error: unknown) => {
        throw toConnectError(error);
      });
    };
    const { body } = universal;
    if (isBytes(body)) universal = { ...universal, body: admittedBody(body, admit) };
  }
  const header = withinDeadline(universal.header, letIn.contextValues);
  const answered = handler({ ...universal, header });
  const streams = methodKind === 'server_streaming' || methodKind === 'bidi_streaming';
  await universalResponseToNodeResponse(await (streams ? withEarlyHeaders(answered, letIn) : answered), response);
}

/** Not a message that was parsed before it came here. */
function isBytes(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
