/** Memmie Studio over gRPC. */
export { StudioCallError } from './call-error.ts';
export { createServiceClient } from './service-client.ts';
export type { CallOptions, ServiceClient } from './service-client.ts';
export { createStudioClient } from './studio-client.ts';
export type { StudioClient, StudioClientOptions } from './studio-client.ts';
export * from '../gen/memmie/studio/v1/access_pb.ts';
export * from '../gen/memmie/studio/v1/blob_pb.ts';
export * from '../gen/memmie/studio/v1/dag_pb.ts';
export * from '../gen/memmie/studio/v1/delta_pb.ts';
export * from '../gen/memmie/studio/v1/event_pb.ts';
export * from '../gen/memmie/studio/v1/execution_pb.ts';
export * from '../gen/memmie/studio/v1/operation_pb.ts';
export * from '../gen/memmie/studio/v1/provider_pb.ts';
