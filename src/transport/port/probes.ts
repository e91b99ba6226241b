import { READINESS_CHECK_MS_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { sendError } from '../errors/error-body.ts';
import { pathOf, sendJson } from '../http/http.ts';
import type { Registry } from 'prom-client';
import type { HttpHandler, HttpResponse } from '../http/http.ts';

/** Resolves while the part it names can be worked with; rejects with what is wrong. */
export interface ReadinessCheck {
  readonly name: string;
  readonly check: () => Promise<void>;
}

export interface ProbeOptions {
  readonly checks: readonly ReadinessCheck[];
  readonly registry: Registry;
  readonly draining: AbortSignal;
}

interface Failure {
  readonly name: string;
  readonly message: string;
}

/** `/healthz` (the process lives), `/readyz` (200, or 503 naming what fails), `/metrics` (Prometheus text). */
export function createProbes(options: ProbeOptions): HttpHandler {
  return (request, response) => {
    const path = pathOf(request);
    if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics') return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendError(response, new StudioError('NOT_IMPLEMENTED', `${path} is read with GET.`), 405);
    } else if (path === '/healthz') sendJson(response, 200, { status: 'alive' });
    else if (path === '/readyz') void answerReadiness(response, options);
    else void answerMetrics(response, options.registry);
    return true;
  };
}

async function answerReadiness(response: HttpResponse, options: ProbeOptions): Promise<void> {
  if (options.draining.aborted) {
    sendJson(response, 503, { status: 'draining', failing: [] });
    return;
  }
  const failing = (await Promise.all(options.checks.map(probe))).filter((failure) => failure !== undefined);
  sendJson(response, failing.length === 0 ? 200 : 503, {
    status: failing.length === 0 ? 'ready' : 'not_ready',
    failing,
  });
}

async function probe({ name, check }: ReadinessCheck): Promise<Failure | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Failure>((resolve) => {
    timer = setTimeout(
      () => resolve({ name, message: `no answer within ${READINESS_CHECK_MS_MAX} ms` }),
      READINESS_CHECK_MS_MAX,
    );
  });
  try {
    return await Promise.race([
      Promise.resolve()
        .then(check)
        .then(() => undefined),
      late,
    ]);
  } catch (error) {
    return { name, message: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function answerMetrics(response: HttpResponse, registry: Registry): Promise<void> {
  try {
    const body = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(body);
  } catch {
    sendError(response, new StudioError('INTERNAL', 'The metrics could not be collected.'));
  }
}
