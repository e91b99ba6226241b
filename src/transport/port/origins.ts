/** Which pages of browsers may use the studio: those of its own host, and those the settings name. */
import { cors } from '@connectrpc/connect';
import type { HttpRequest, HttpResponse } from '../http/http.ts';

const PREFLIGHT_SECONDS = 7_200;
const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS';
const REQUEST_HEADERS = [...cors.allowedHeaders, 'Authorization', 'If-Match'].join(', ');
const RESPONSE_HEADERS = [...cors.exposedHeaders, 'ETag'].join(', ');

export type OriginRule = (origin: string, host: string | undefined) => boolean;

/** `allowed` are origins as browsers write them: `https://app.example.com`, no path. */
export function createOriginRule(allowed: readonly string[]): OriginRule {
  const named = new Set(allowed.map((origin) => origin.replace(/\/+$/, '').toLowerCase()));
  return (origin, host) => {
    if (named.has(origin.toLowerCase())) return true;
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    return url !== undefined && /^https?:$/.test(url.protocol) && url.host !== '' && url.host === host?.toLowerCase();
  };
}

/**
 * Sets what lets an allowed page read the answer; others get no such header, and the browser keeps the answer from them.
 * True: it was a preflight, and is answered.
 */
export function answerCors(request: HttpRequest, response: HttpResponse, rule: OriginRule): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return false;
  response.setHeader('Vary', 'Origin');
  const allowed = rule(origin, hostOf(request));
  if (allowed) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', RESPONSE_HEADERS);
  }
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  if (allowed) {
    response.setHeader('Access-Control-Allow-Methods', METHODS);
    response.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS);
    response.setHeader('Access-Control-Max-Age', String(PREFLIGHT_SECONDS));
  }
  response.writeHead(allowed ? 204 : 403).end();
  return true;
}

function hostOf(request: HttpRequest): string | undefined {
  return 'authority' in request ? request.authority : request.headers.host;
}
