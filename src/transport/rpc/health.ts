import { Code, ConnectError } from '@connectrpc/connect';
import { StudioError } from '../../errors.ts';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../../gen/grpc/health/v1/health_pb.ts';
import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';

/**
 * grpc.health.v1.Health: SERVING for the whole (`""`) and for each of `services` until the studio starts to stop, then
 * NOT_SERVING. Watch says so, and then ends with DRAINING.
 */
export function registerHealth(
  router: ConnectRouter,
  services: () => readonly DescService[],
  draining: AbortSignal,
): void {
  const status = (service: string): Status => {
    if (service !== '' && !services().some(({ typeName }) => typeName === service)) return Status.SERVICE_UNKNOWN;
    return draining.aborted ? Status.NOT_SERVING : Status.SERVING;
  };
  router.service(Health, {
    check: ({ service }) => {
      if (status(service) === Status.SERVICE_UNKNOWN) {
        throw new ConnectError(`There is no service "${service}" here.`, Code.NotFound);
      }
      return { status: status(service) };
    },
    list: () => ({
      statuses: Object.fromEntries(
        ['', ...services().map(({ typeName }) => typeName)].map((name) => [name, { status: status(name) }]),
      ),
    }),
    async *watch({ service }, { signal }) {
      yield { status: status(service) };
      await eitherAborts(draining, signal);
      if (signal.aborted) return;
      yield { status: status(service) };
      throw new StudioError('DRAINING', 'The studio is stopping.');
    },
  });
}

function eitherAborts(first: AbortSignal, second: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      first.removeEventListener('abort', done);
      second.removeEventListener('abort', done);
      resolve();
    };
    if (first.aborted || second.aborted) {
      resolve();
      return;
    }
    first.addEventListener('abort', done);
    second.addEventListener('abort', done);
  });
}
