import { create, toJson } from '@bufbuild/protobuf';
import { createHandlerContext } from '@connectrpc/connect';
import { invokeUnaryImplementation } from '@connectrpc/connect/protocol';
import { StudioError } from '../../errors.ts';
import { REQUEST_BYTES_MAX } from '../../limits.ts';
import { httpStatus, nothingHere, sendError } from '../errors/error-body.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { pathOf, queryOf, sendJson } from '../http/http.ts';
import { endIfSlow, readBody } from '../http/request-body.ts';
import { etagOf, withText } from './rest-response.ts';
import { admit } from '../rpc/open-services.ts';
import { refuseCall } from '../rpc/refusals.ts';
import { requireFewElements } from '../rpc/request-elements.ts';
import { buildRequest } from './rest-request.ts';
import { REST_PREFIX } from './rest-route.ts';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Interceptor, MethodImplSpec } from '@connectrpc/connect';
import type { Authenticator } from '../auth/authentication.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from '../http/http.ts';
import type { ReceivedBytes, Receipt } from '../http/received-bytes.ts';
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
  /** Shared by all that read requests here. */
  readonly received: ReceivedBytes;
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
  const wrongVerb = new StudioError('NOT_IMPLEMENTED', `This path takes ${verbs}, not ${request.method}.`);
  if (verbs) sendError(response, wrongVerb, 405);
  else sendError(response, nothingHere(), 404);
}

async function answer(
  served: Served,
  options: RestOptions,
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
    let message = create(spec.method.input);
    const admission = await admit(spec.method.parent.typeName, request.headers.authorization, options.authenticator);
    if ('refusal' in admission) refuseCall(context.values, admission.refusal);
    else {
      const receipt = options.received.open(admission.userId, context.signal);
      try {
        message = await readRequest(served, request, receipt, options);
      } catch (error) {
        refuseCall(context.values, toConnectError(error));
      }
    }
    const result = await invokeUnaryImplementation(spec, context, message, options.interceptors);
    const answered = toJson(spec.method.output, result);
    const etag = etagOf(answered);
    if (etag) response.setHeader('ETag', `"${etag}"`);
    sendJson(response, route.status ?? 200, withText(answered));
  } catch (error) {
    const failure = toConnectError(error);
    if (httpStatus(failure) === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    // What was not read of a refused body would be taken for the next request.
    if (!request.complete && request.httpVersionMajor === 1) response.setHeader('Connection', 'close');
    sendError(response, failure);
  } finally {
    context.abort();
  }
}

/** What is wrong with it is for the interceptors to tell, as who calls is: so every call is counted. */
async function readRequest(
  served: Served,
  request: HttpRequest,
  receipt: Receipt,
  { requestMs }: RestOptions,
): Promise<MessageShape<DescMessage>> {
  const { route, spec } = served;
  const { input } = spec.method;
  const fields = { ...etagField(input, request), ...pathFields(served, request) };
  const parts = { fields, query: queryOf(request) };
  if (route.verb !== 'POST' && route.verb !== 'PATCH') return buildRequest(input, parts);
  endIfSlow(request, requestMs);
  const announced = Number(request.headers['content-length'] ?? 0);
  const body = await readBody(request as AsyncIterable<Uint8Array>, announced, REQUEST_BYTES_MAX, receipt);
  requireFewElements(input, body, true);
  return buildRequest(input, { ...parts, body });
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
