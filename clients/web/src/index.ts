/** Memmie Studio over Connect, with live documents. */
export { authorize, createStudioClient, createStudioTransport } from './studio-client.ts';
export type { StudioClient, StudioTransportOptions, TokenSource } from './studio-client.ts';
export { StudioDocument } from './studio-document.ts';
export type { StudioDocumentOptions } from './studio-document.ts';
export type { DocumentState } from './document-state.ts';
export { StudioError } from './studio-error.ts';
export type { LinkMaker } from './link.ts';
export { streaming } from './sync-link.ts';
export { subscribing } from './subscribe-link.ts';
export * from '../gen/memmie/studio/v1/blob_pb.ts';
export * from '../gen/memmie/studio/v1/dag_pb.ts';
export * from '../gen/memmie/studio/v1/delta_pb.ts';
export * from '../gen/memmie/studio/v1/event_pb.ts';
export * from '../gen/memmie/studio/v1/execution_pb.ts';
export * from '../gen/memmie/studio/v1/operation_pb.ts';
export * from '../gen/memmie/studio/v1/provider_pb.ts';
