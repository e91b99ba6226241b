import { toJson } from '@bufbuild/protobuf';
import { createHandlerContext } from '@connectrpc/connect';
import { invokeUnaryImplementation } from '@connectrpc/connect/protocol';
import { StudioError } from '../../errors.ts';
import { REQUEST_BYTES_MAX } from '../../limits.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { pathOf, queryOf, sendJson } from '../http/http.ts';
import { admittedBody, endIfSlow, readBody } from '../http/request-body.ts';
import { errorBody, etagOf, httpStatus, withText } from './rest-response.ts';
import { buildRequest } from './rest-request.ts';
import { REST_PREFIX } from './rest-route.ts';
import type { DescMessage } from '@bufbuild/protobuf';
import type { Interceptor, MethodImplSpec } from '@connectrpc/connect';
import type { Authenticator } from '../auth/authentication.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from '../http/http.ts';
import type { RestRoute } from './rest-route.ts';

type UnarySpec = MethodImplSpec & { kind: 'unary' };

interface Served {
  readonly route: RestRoute;
  readonly spec: UnarySpec;
  readonly pattern: RegExp;
}

export interface RestOptions {
  readonly routes: readonly RestRoute[];
  readonly methods: readonly MethodImplSpec[];
  /** The same that RPCs pass: a REST call is one. */
  readonly interceptors: Interceptor[];
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  /** Default: REQUEST_RECEIVE_MS_MAX. */
  readonly requestMs?: number;
}

/** The REST of the contract: each route is a call of one RPC, through the same interceptors. */
export function createRest(options: RestOptions): HttpHandler {
  const served = options.routes.map((route) => serve(route, options.methods));
  return (request, response) => {
    const path = pathOf(request);
    if (path !== REST_PREFIX && !path.startsWith(`${REST_PREFIX}/`)) return false;
    const matching = served.filter(({ pattern }) => pattern.test(path));
    const found = matching.find(({ route }) => route.verb === request.method);
    if (found) void answer(found, options, request, response);
    else refuse(matching, request, response);
    return true;
  };
}

function serve(route: RestRoute, methods: readonly MethodImplSpec[]): Served {
  const spec = methods.find(({ method }) => method.parent === route.rpc.parent && method.name === route.rpc.name);
  if (spec?.kind !== 'unary') throw new Error(`No unary ${route.rpc.parent.typeName}.${route.rpc.name} is served.`);
  const pattern = `${REST_PREFIX}${route.path}`.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { route, spec, pattern: new RegExp(`^${pattern}$`) };
}

function refuse(matching: readonly Served[], request: HttpRequest, response: HttpResponse): void {
  const verbs = matching.map(({ route }) => route.verb).join(', ');
  if (verbs) response.setHeader('Allow', verbs);
  sendJson(response, verbs ? 405 : 404, {
    code: 'unimplemented',
    reason: 'NOT_IMPLEMENTED',
    message: verbs ? `This path takes ${verbs}, not ${request.method}.` : 'There is nothing at this path.',
    metadata: {},
  });
}

async function answer(
  served: Served,
  { interceptors, authenticator, requestMs }: RestOptions,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const { route, spec } = served;
  const gone = new AbortController();
  response.once('close', () => gone.abort(new StudioError('CANCELLED', 'The caller went away.')));
  const context = createHandlerContext({
    service: spec.method.parent,
    method: spec.method,
    protocolName: 'rest',
    requestMethod: request.method ?? '',
    url: request.url ?? '',
    requestSignal: gone.signal,
    requestHeader: plainHeaders(request),
  });
  try {
    const hasBody = route.verb === 'POST' || route.verb === 'PATCH';
    if (hasBody) endIfSlow(request, requestMs);
    const body = hasBody
      ? await readBody(
          admittedBody(request as AsyncIterable<Uint8Array>, () =>
            authenticator.authenticate(request.headers.authorization),
          ),
          Number(request.headers['content-length'] ?? 0),
          REQUEST_BYTES_MAX,
        )
      : undefined;
    const fields = { ...etagField(spec.method.input, request), ...pathFields(served, request) };
    const message = buildRequest(spec.method.input, { fields, query: queryOf(request), body });
    const result = await invokeUnaryImplementation(spec, context, message, interceptors);
    const answered = toJson(spec.method.output, result);
    const etag = etagOf(answered);
    if (etag) response.setHeader('ETag', `"${etag}"`);
    sendJson(response, route.status ?? 200, withText(answered));
  } catch (error) {
    const failure = toConnectError(error);
    const status = httpStatus(failure);
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    // What was not read of a refused body would be taken for the next request.
    if (!request.complete && request.httpVersionMajor === 1) response.setHeader('Connection', 'close');
    sendJson(response, status, errorBody(failure));
  } finally {
    context.abort();
  }
}

function pathFields({ pattern }: Served, request: HttpRequest): Record<string, string> {
  const groups = pattern.exec(pathOf(request))?.groups ?? {};
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(name, value)]));
}

/**
 * `If-Match: "…"` is the request's `etag`; a proxy that compresses answers makes it `W/"…"`. A condition that can't be
 * checked is refused: without it the change would be made whatever others have done.
 */
function etagField(type: DescMessage, request: HttpRequest): Record<string, string> {
  const header = request.headers['if-match'];
  if (header === undefined) return {};
  const etag = /^\s*(?:W\/)?"([^"]+)"\s*$/.exec(header)?.[1];
  if (etag !== undefined && type.fields.some(({ name }) => name === 'etag')) return { etag };
  const message = etag === undefined ? 'If-Match must be one quoted etag.' : 'There is no If-Match here.';
  throw new StudioError('FIELD_INVALID', message, { field: 'etag' });
}

function decode(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new StudioError('FIELD_INVALID', `${name} is not well encoded in the path.`, { field: name });
  }
}

function plainHeaders(request: HttpRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, each);
  }
  return headers;
}
