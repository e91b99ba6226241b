import { createMethodImplSpec, createServiceImplSpec } from '@connectrpc/connect';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { ConnectRouter, MethodImpl, MethodImplSpec, ServiceImpl } from '@connectrpc/connect';

export interface CollectedServices {
  readonly services: readonly DescService[];
  readonly methods: readonly MethodImplSpec[];
}

/** Reads routes without serving them, so that every door serves the same implementations. */
export function collectServices(routes: (router: ConnectRouter) => void): CollectedServices {
  const services: DescService[] = [];
  const methods: MethodImplSpec[] = [];
  const collector: ConnectRouter = {
    handlers: [],
    service<T extends DescService>(service: T, implementation: Partial<ServiceImpl<T>>) {
      services.push(service);
      methods.push(...Object.values(createServiceImplSpec(service, implementation).methods));
      return collector;
    },
    rpc<M extends DescMethod>(method: M, implementation: MethodImpl<M>) {
      methods.push(createMethodImplSpec(method, implementation));
      return collector;
    },
  };
  routes(collector);
  return { services, methods };
}
