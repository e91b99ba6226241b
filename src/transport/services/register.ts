import { AccessService } from '../../gen/memmie/studio/v1/access_service_pb.ts';
import { BlobService } from '../../gen/memmie/studio/v1/blob_service_pb.ts';
import { ContentService } from '../../gen/memmie/studio/v1/content_service_pb.ts';
import { DagService } from '../../gen/memmie/studio/v1/dag_service_pb.ts';
import { DeltaService } from '../../gen/memmie/studio/v1/delta_service_pb.ts';
import { EventService } from '../../gen/memmie/studio/v1/event_service_pb.ts';
import { ProviderService } from '../../gen/memmie/studio/v1/provider_service_pb.ts';
import { RetentionService } from '../../gen/memmie/studio/v1/retention_service_pb.ts';
import { SyncService } from '../../gen/memmie/studio/v1/sync_service_pb.ts';
import { createRequestValidation, validated } from '../rpc/validation.ts';
import { createAccessService } from './access-service.ts';
import { createBlobService } from './blob-service.ts';
import { createDagService } from './dag-service.ts';
import { createDeltaService } from './delta-service.ts';
import { createEventService } from './event-service.ts';
import { createProviderService } from './provider-service.ts';
import { createRetentionService } from './retention-service.ts';
import { createSyncService } from './sync-service.ts';
import type { ConnectRouter } from '@connectrpc/connect';
import type { Sharing } from '../../access/contract.ts';
import type { Documents, Retention } from '../../documents/contract.ts';
import type { EventWatcher } from '../../events/contract.ts';
import type { Providers } from '../../providers/contract.ts';
import type { EditorHub } from '../sync/editor-hub.ts';

export interface Served {
  readonly documents: Documents;
  readonly sharing: Sharing;
  readonly providers: Providers;
  readonly events: EventWatcher;
  /** What all who edit have in common, whatever door they came through. */
  readonly editors: EditorHub;
  readonly retention: Retention;
}

/** Every service of the contract, its requests validated; what is not built answers `unimplemented`. */
export function registerServices(router: ConnectRouter, served: Served): void {
  const { documents, sharing, providers, events, editors, retention } = served;
  const validation = createRequestValidation();
  router.service(BlobService, validated(BlobService, createBlobService(documents), validation));
  router.service(DeltaService, validated(DeltaService, createDeltaService(documents, validation), validation));
  router.service(DagService, validated(DagService, createDagService(documents), validation));
  router.service(ProviderService, validated(ProviderService, createProviderService(providers), validation));
  router.service(EventService, validated(EventService, createEventService(events), validation));
  router.service(RetentionService, validated(RetentionService, createRetentionService(retention), validation));
  router.service(SyncService, validated(SyncService, createSyncService({ documents, editors }), validation));
  router.service(AccessService, validated(AccessService, createAccessService(sharing), validation));
  router.service(ContentService, {});
}
