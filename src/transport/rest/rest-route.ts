import type { DescMethod } from '@bufbuild/protobuf';

export const REST_PREFIX = '/api/v1/studio';

/** One REST path as the call of one unary RPC. */
export interface RestRoute {
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Beyond the prefix; `{name}` is the request's field of that name. */
  readonly path: string;
  readonly rpc: DescMethod;
  /** HTTP status of success; 200 unless given. */
  readonly status?: number;
}
