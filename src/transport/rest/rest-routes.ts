import { AccessService } from '../../gen/memmie/studio/v1/access_service_pb.ts';
import { BlobService } from '../../gen/memmie/studio/v1/blob_service_pb.ts';
import { DagService } from '../../gen/memmie/studio/v1/dag_service_pb.ts';
import { DeltaService } from '../../gen/memmie/studio/v1/delta_service_pb.ts';
import { ProviderService } from '../../gen/memmie/studio/v1/provider_service_pb.ts';
import type { RestRoute } from './rest-route.ts';

const access = AccessService.method;
const blobs = BlobService.method;
const deltas = DeltaService.method;
const dag = DagService.method;
const providers = ProviderService.method;

/**
 * The REST of the contract. Beyond the proto JSON of the RPCs: requests, though not the patches of a batch, take `text` (a
 * string) in place of the base64 `content`, blobs in answers carry it beside their content, `ETag` is the blob's etag, and `If-Match` gives it back.
 */
export const REST_ROUTES: readonly RestRoute[] = [
  { verb: 'POST', path: '/blobs', rpc: blobs.createBlob, status: 201 },
  { verb: 'GET', path: '/blobs', rpc: blobs.listBlobs },
  { verb: 'GET', path: '/blobs/{id}', rpc: blobs.getBlob },
  { verb: 'PATCH', path: '/blobs/{id}', rpc: blobs.updateBlob },
  { verb: 'DELETE', path: '/blobs/{id}', rpc: blobs.deleteBlob },
  { verb: 'POST', path: '/blobs/{id}:undelete', rpc: blobs.undeleteBlob },
  { verb: 'POST', path: '/blobs/{blob_id}:revert', rpc: blobs.revertBlob },
  { verb: 'GET', path: '/blobs/{blob_id}/versions', rpc: blobs.listVersions },
  { verb: 'GET', path: '/blobs/{id}/versions/{version}', rpc: blobs.getBlob },
  // `?at=2026-01-31T12:00:00Z`, `?name=draft` or `?version=17`.
  { verb: 'GET', path: '/blobs/{blob_id}/versions:find', rpc: blobs.getVersion },
  { verb: 'GET', path: '/blobs/{blob_id}/versions:diff', rpc: blobs.diffVersions },
  { verb: 'GET', path: '/blobs/{blob_id}/versions:named', rpc: blobs.listNamedVersions },
  { verb: 'POST', path: '/blobs/{blob_id}/versions/{version}/name', rpc: blobs.nameVersion },
  { verb: 'DELETE', path: '/blobs/{blob_id}/versions/{version}/name', rpc: blobs.unnameVersion },
  { verb: 'GET', path: '/blobs/{blob_id}/attribution', rpc: blobs.getAttribution },
  { verb: 'GET', path: '/blobs/{blob_id}/dag', rpc: dag.getDag },
  { verb: 'GET', path: '/blobs/{blob_id}/children', rpc: dag.listChildren },
  { verb: 'GET', path: '/blobs/{blob_id}/deltas', rpc: deltas.listDeltas },
  { verb: 'POST', path: '/blobs/{blob_id}/deltas', rpc: deltas.applyDelta },
  { verb: 'POST', path: '/blobs/{blob_id}/deltas:batch', rpc: deltas.batchApplyDeltas },
  { verb: 'GET', path: '/blobs/{blob_id}/access', rpc: access.listAccess },
  { verb: 'POST', path: '/blobs/{blob_id}/access', rpc: access.grantAccess },
  { verb: 'DELETE', path: '/blobs/{blob_id}/access/{user_id}', rpc: access.revokeAccess },
  { verb: 'GET', path: '/deltas/{id}', rpc: deltas.getDelta },
  { verb: 'GET', path: '/providers', rpc: providers.listProviders },
  { verb: 'POST', path: '/providers', rpc: providers.registerProvider, status: 201 },
  { verb: 'GET', path: '/providers/{id}', rpc: providers.getProvider },
  { verb: 'POST', path: '/providers/{provider_id}/process', rpc: providers.processBlob },
  { verb: 'GET', path: '/executions/{id}', rpc: providers.getExecution },
];
