import { Client, credentials } from '@grpc/grpc-js';
import { AccessService } from '../gen/memmie/studio/v1/access_service_pb.ts';
import { BlobService } from '../gen/memmie/studio/v1/blob_service_pb.ts';
import { DagService } from '../gen/memmie/studio/v1/dag_service_pb.ts';
import { DeltaService } from '../gen/memmie/studio/v1/delta_service_pb.ts';
import { EventService } from '../gen/memmie/studio/v1/event_service_pb.ts';
import { ProviderService } from '../gen/memmie/studio/v1/provider_service_pb.ts';
import { RetentionService } from '../gen/memmie/studio/v1/retention_service_pb.ts';
import { SyncService } from '../gen/memmie/studio/v1/sync_service_pb.ts';
import { createServiceClient, type Channel, type ServiceClient } from './service-client.ts';

const TIMEOUT_MS_DEFAULT = 30_000;
/** The studio's largest answers: differences as HTML (32 MiB), and rich documents of 8 MiB as JSON. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export interface StudioClientOptions {
  /** `host:port`, or `https://host:port` for TLS. */
  readonly address: string;
  /** A JWT; a function is asked for each call. */
  readonly token: string | (() => string);
  /** For calls with a single answer that name no timeout of their own; 30 s by default. */
  readonly timeoutMs?: number;
}

/** The studio's services, on one connection that is opened by the first call and mended by itself. */
export interface StudioClient {
  readonly blobs: ServiceClient<typeof BlobService>;
  readonly deltas: ServiceClient<typeof DeltaService>;
  readonly dag: ServiceClient<typeof DagService>;
  readonly providers: ServiceClient<typeof ProviderService>;
  readonly events: ServiceClient<typeof EventService>;
  readonly access: ServiceClient<typeof AccessService>;
  readonly retention: ServiceClient<typeof RetentionService>;
  /** The frames themselves; a replica that keeps itself up to date is in clients/web. */
  readonly sync: ServiceClient<typeof SyncService>;
  /** Calls under way fail. */
  close(): void;
}

export function createStudioClient(options: StudioClientOptions): StudioClient {
  const { token } = options;
  const isSecure = options.address.startsWith('https://');
  const grpc = new Client(
    options.address.replace(/^https?:\/\//, ''),
    isSecure ? credentials.createSsl() : credentials.createInsecure(),
    {
      'grpc.max_receive_message_length': ANSWER_BYTES_MAX,
      // Clients made with the same options would share one connection.
      'grpc.use_local_subchannel_pool': 1,
    },
  );
  const channel: Channel = {
    grpc,
    token: typeof token === 'string' ? () => token : token,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
  };
  return {
    blobs: createServiceClient(BlobService, channel),
    deltas: createServiceClient(DeltaService, channel),
    dag: createServiceClient(DagService, channel),
    providers: createServiceClient(ProviderService, channel),
    events: createServiceClient(EventService, channel),
    access: createServiceClient(AccessService, channel),
    retention: createServiceClient(RetentionService, channel),
    sync: createServiceClient(SyncService, channel),
    close: () => grpc.close(),
  };
}
