/** Clients of SyncService that see each frame: what the project's own client keeps to itself. */
import { ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as Y from 'yjs';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { SyncService } from '../../src/gen/memmie/studio/v1/sync_service_pb.ts';
import { eventually } from '../harness/eventually.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Status } from '../../src/gen/google/rpc/status_pb.ts';
import type {
  SubscribeRequestSchema,
  SubscribeResponse,
  SyncRequestSchema,
  SyncResponse,
} from '../../src/gen/memmie/studio/v1/sync_service_pb.ts';
import type { TestStudio } from '../harness/studio.ts';

export type SyncClient = Client<typeof SyncService>;
type Case<R extends { message: { case?: string } }> = NonNullable<R['message']['case']>;
type Value<R extends { message: { case?: string } }, C> = Extract<R['message'], { case: C; value: unknown }>['value'];

export function syncClient(studio: TestStudio, token: string, door: 'grpc' | 'connect' = 'connect'): SyncClient {
  const authorize = (next: (request: never) => Promise<never>) => (request: never) => {
    (request as { header: Headers }).header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const interceptors = [authorize as never];
  return createClient(
    SyncService,
    door === 'grpc'
      ? createGrpcTransport({ baseUrl: `http://127.0.0.1:${studio.grpcPort}`, interceptors })
      : createConnectTransport({ baseUrl: studio.address, httpVersion: '2', interceptors }),
  );
}

/** Frames of one stream, in the order they came. */
export class Frames<R extends SyncResponse | SubscribeResponse> {
  readonly all: R[] = [];
  readonly ended: Promise<ConnectError | undefined>;
  readonly #controller = new AbortController();
  #held: Promise<void> | undefined;
  #release: () => void = () => {};

  constructor(open: (signal: AbortSignal) => AsyncIterable<R>) {
    this.ended = this.#collect(open(this.#controller.signal));
  }

  of<C extends Case<R>>(kind: C, blobId?: string): Value<R, C>[] {
    return this.all
      .filter((frame) => frame.message.case === kind && (!blobId || ('blobId' in frame && frame.blobId === blobId)))
      .map((frame) => frame.message.value as Value<R, C>);
  }

  /** The nth frame of this kind, counted from 1. */
  nth<C extends Case<R>>(kind: C, n = 1, blobId?: string): Promise<Value<R, C>> {
    return eventually(`frame ${n} of kind ${kind}`, () => this.of(kind, blobId)[n - 1] as Value<R, C> & {}) as Promise<
      Value<R, C>
    >;
  }

  /** Takes nothing more from the stream until `release`. */
  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  cancel(): void {
    this.release();
    this.#controller.abort();
  }

  async #collect(stream: AsyncIterable<R>): Promise<ConnectError | undefined> {
    try {
      for await (const frame of stream) {
        this.all.push(frame);
        await this.#held;
      }
      return undefined;
    } catch (error) {
      return ConnectError.from(error);
    }
  }
}

export class SyncConversation extends Frames<SyncResponse> {
  readonly #outgoing: MessageInitShape<typeof SyncRequestSchema>[];
  readonly #wake: { up: () => void; closed: boolean };

  constructor(client: SyncClient) {
    const outgoing: MessageInitShape<typeof SyncRequestSchema>[] = [];
    const wake = { up: (): void => {}, closed: false };
    async function* requests() {
      for (;;) {
        const next = outgoing.shift();
        if (next) yield next;
        else if (wake.closed) return;
        else await new Promise<void>((resolve) => (wake.up = resolve));
      }
    }
    super((signal) => client.sync(requests(), { signal }));
    this.#outgoing = outgoing;
    this.#wake = wake;
  }

  send(blobId: string, message: MessageInitShape<typeof SyncRequestSchema>['message']): void {
    this.#outgoing.push({ blobId, message });
    this.#wake.up();
  }

  open(blobId: string, doc?: Y.Doc, afterVersion = 0n): void {
    const stateVector = doc ? Y.encodeStateVector(doc) : new Uint8Array();
    this.send(blobId, { case: 'open', value: { stateVector, afterVersion } });
  }

  update(blobId: string, update: Uint8Array, reference: bigint): void {
    this.send(blobId, { case: 'update', value: { update, reference } });
  }

  halfClose(): void {
    this.#wake.closed = true;
    this.#wake.up();
  }
}

export function subscribe(
  client: SyncClient,
  request: MessageInitShape<typeof SubscribeRequestSchema>,
): Frames<SubscribeResponse> {
  return new Frames((signal) => client.subscribe(request, { signal }));
}

/** The reason in a frame's Status. */
export function statusReason(status: Status | undefined): string | undefined {
  return status?.details[0] && anyUnpack(status.details[0], ErrorInfoSchema)?.reason;
}

/** A document that typed `text`, and the update it came to. */
export function typed(text: string, doc = new Y.Doc()): { readonly doc: Y.Doc; readonly update: Uint8Array } {
  const before = Y.encodeStateVector(doc);
  doc.getText('content').insert(doc.getText('content').length, text);
  return { doc, update: Y.encodeStateAsUpdate(doc, before) };
}
