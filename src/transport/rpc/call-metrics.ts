import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

export interface CallMetrics {
  /** `method` as `package.Service/Method`, `code` as gRPC names it, `ok` included. */
  observe(method: string, code: string, seconds: number): void;
}

export function createCallMetrics(registry: Registry): CallMetrics {
  const calls = new Counter({
    name: 'studio_calls_total',
    help: 'Calls answered, by method and code, over all protocols.',
    labelNames: ['method', 'code'] as const,
    registers: [registry],
  });
  const latency = new Histogram({
    name: 'studio_call_seconds',
    help: 'From the request being read to the answer being handed on; of a stream, its whole life.',
    labelNames: ['method'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return {
    observe: (method, code, seconds) => {
      calls.inc({ method, code });
      latency.observe({ method }, seconds);
    },
  };
}
