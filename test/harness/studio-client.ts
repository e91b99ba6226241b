/** Generated clients for a studio under test, and the reasons of its refusals. */
import { ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import * as assert from 'uvu/assert';
import type { Code, Reason } from '../../src/errors.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { AccessService } from '../../src/gen/memmie/studio/v1/access_service_pb.ts';
import { BlobService } from '../../src/gen/memmie/studio/v1/blob_service_pb.ts';
import { DagService } from '../../src/gen/memmie/studio/v1/dag_service_pb.ts';
import { DeltaService } from '../../src/gen/memmie/studio/v1/delta_service_pb.ts';
import { OffsetEncoding, type Delta } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { EventService } from '../../src/gen/memmie/studio/v1/event_service_pb.ts';
import { ProviderService } from '../../src/gen/memmie/studio/v1/provider_service_pb.ts';
import { RetentionService } from '../../src/gen/memmie/studio/v1/retention_service_pb.ts';
import { REASON_CODES } from '../../src/errors.ts';

export interface StudioClient {
  readonly blobs: Client<typeof BlobService>;
  readonly deltas: Client<typeof DeltaService>;
  readonly dag: Client<typeof DagService>;
  readonly providers: Client<typeof ProviderService>;
  readonly events: Client<typeof EventService>;
  readonly access: Client<typeof AccessService>;
  readonly retention: Client<typeof RetentionService>;
}

export function connectAs(
  address: string,
  token: string | undefined,
  protocol: 'connect' | 'grpc' = 'connect',
): StudioClient {
  const options: Parameters<typeof createGrpcTransport>[0] = {
    baseUrl: address,
    interceptors: [
      (next) => (request) => {
        if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  };
  const transport =
    protocol === 'grpc' ? createGrpcTransport(options) : createConnectTransport({ ...options, httpVersion: '2' });
  return {
    blobs: createClient(BlobService, transport),
    deltas: createClient(DeltaService, transport),
    dag: createClient(DagService, transport),
    providers: createClient(ProviderService, transport),
    events: createClient(EventService, transport),
    access: createClient(AccessService, transport),
    retention: createClient(RetentionService, transport),
  };
}

export function reasonOf(error: unknown): string | undefined {
  return error instanceof ConnectError ? error.findDetails(ErrorInfoSchema)[0]?.reason : undefined;
}

/** The call fails with this reason, the code that belongs to it, and metadata that holds what is given of it. */
export async function refused(
  call: Promise<unknown>,
  reason: Reason,
  metadata: Readonly<Record<string, string>> = {},
): Promise<ConnectError> {
  let failure: unknown;
  try {
    await call;
  } catch (error) {
    failure = error;
  }
  assert.instance(failure, ConnectError, `expected ${reason}, but the call succeeded`);
  const error = failure as ConnectError;
  assert.is(reasonOf(error), reason, error.message);
  const code: Code = REASON_CODES[reason];
  assert.is(codeName(error.code), code);
  const told = error.findDetails(ErrorInfoSchema)[0]?.metadata ?? {};
  assert.equal({ ...told, ...metadata }, told);
  return error;
}

function codeName(code: number): string {
  const names = ['', 'canceled', 'unknown', 'invalid_argument', 'deadline_exceeded', 'not_found', 'already_exists'];
  names.push('permission_denied', 'resource_exhausted', 'failed_precondition', 'aborted', 'out_of_range');
  names.push('unimplemented', 'internal', 'unavailable', 'data_loss', 'unauthenticated');
  return names[code] ?? 'unknown';
}

export interface InsertAt {
  readonly blobId: string;
  readonly offset: number;
  readonly text: string;
  readonly fromVersion?: bigint;
  readonly previousDelta?: string;
  readonly requestId?: string;
}

/** One text edit that inserts. */
export async function insertAt(client: StudioClient, edit: InsertAt): Promise<Delta> {
  const { delta } = await client.deltas.applyDelta({
    blobId: edit.blobId,
    fromVersion: edit.fromVersion,
    previousDelta: edit.previousDelta,
    requestId: edit.requestId,
    patch: {
      case: 'textEdits',
      value: { encoding: OffsetEncoding.UTF16, edits: [{ offset: edit.offset, deleteCount: 0, insert: edit.text }] },
    },
  });
  if (!delta) throw new Error('an answer without a delta');
  return delta;
}

export async function readText(client: StudioClient, id: string, version?: bigint): Promise<string> {
  const { blob } = await client.blobs.getBlob({ id, version });
  return Buffer.from(blob?.content ?? []).toString('utf8');
}

/** Every delta of a blob, in order of seq. */
export async function allDeltas(client: StudioClient, blobId: string): Promise<Delta[]> {
  const deltas: Delta[] = [];
  for (let pageToken = ''; ;) {
    const page = await client.deltas.listDeltas({ blobId, pageSize: 500, pageToken });
    deltas.push(...page.deltas);
    pageToken = page.nextPageToken;
    if (pageToken === '') return deltas;
  }
}
