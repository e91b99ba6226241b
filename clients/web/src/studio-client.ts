import { createClient, type Client, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { AccessService } from '../gen/memmie/studio/v1/access_service_pb.ts';
import { BlobService } from '../gen/memmie/studio/v1/blob_service_pb.ts';
import { DagService } from '../gen/memmie/studio/v1/dag_service_pb.ts';
import { DeltaService } from '../gen/memmie/studio/v1/delta_service_pb.ts';
import { EventService } from '../gen/memmie/studio/v1/event_service_pb.ts';
import { ProviderService } from '../gen/memmie/studio/v1/provider_service_pb.ts';
import { RetentionService } from '../gen/memmie/studio/v1/retention_service_pb.ts';
import { SyncService } from '../gen/memmie/studio/v1/sync_service_pb.ts';

/** A JWT; a function is asked for each call, so that a token may be replaced before it expires. */
export type TokenSource = string | (() => string | Promise<string>);

export interface StudioTransportOptions {
  /** `https://studio.example.com`; a page of another origin must be among STUDIO_ALLOWED_ORIGINS. */
  readonly baseUrl: string;
  readonly token: TokenSource;
}

/** The studio's services; calls reject, and streams throw, with a ConnectError (`StudioError.from` reads it). */
export interface StudioClient {
  readonly blobs: Client<typeof BlobService>;
  readonly deltas: Client<typeof DeltaService>;
  readonly dag: Client<typeof DagService>;
  readonly providers: Client<typeof ProviderService>;
  readonly events: Client<typeof EventService>;
  readonly access: Client<typeof AccessService>;
  readonly retention: Client<typeof RetentionService>;
  readonly sync: Client<typeof SyncService>;
}

/** Connect over fetch, as browsers have it. In Node a transport of connect-node with `authorize` may stand in its place. */
export function createStudioTransport(options: StudioTransportOptions): Transport {
  return createConnectTransport({
    baseUrl: options.baseUrl,
    useBinaryFormat: true,
    interceptors: [authorize(options.token)],
  });
}

export function authorize(token: TokenSource): Interceptor {
  return (next) => async (request) => {
    const value = typeof token === 'string' ? token : await unlessAborted(token(), request.signal);
    request.header.set('Authorization', `Bearer ${value}`);
    return next(request);
  };
}

/** A token that never comes must not keep a call from its end. */
async function unlessAborted(token: string | Promise<string>, signal: AbortSignal): Promise<string> {
  let abort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('The call was aborted.'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([token, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export function createStudioClient(transport: Transport): StudioClient {
  return {
    blobs: createClient(BlobService, transport),
    deltas: createClient(DeltaService, transport),
    dag: createClient(DagService, transport),
    providers: createClient(ProviderService, transport),
    events: createClient(EventService, transport),
    access: createClient(AccessService, transport),
    retention: createClient(RetentionService, transport),
    sync: createClient(SyncService, transport),
  };
}
