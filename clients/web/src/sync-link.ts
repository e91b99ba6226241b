/** For services: one stream in both directions. Needs a transport over HTTP/2. */
import { Code, createClient, type Client, type Transport } from '@connectrpc/connect';
import { SyncService } from '../gen/memmie/studio/v1/sync_service_pb.ts';
import { StudioError } from './studio-error.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SyncRequestSchema, SyncResponse } from '../gen/memmie/studio/v1/sync_service_pb.ts';
import type { Link, LinkEvent, LinkMaker, Opening, Pushed } from './link.ts';

export function streaming(transport: Transport): LinkMaker {
  const client = createClient(SyncService, transport);
  return (blobId, opening, signal) => new SyncLink(client, blobId, opening, signal);
}

type Request = MessageInitShape<typeof SyncRequestSchema>;

interface Waiting {
  readonly reference: bigint;
  readonly resolve: (version: bigint) => void;
  readonly reject: (error: StudioError) => void;
}

class SyncLink implements Link {
  readonly #client: Client<typeof SyncService>;
  readonly #blobId: string;
  readonly #signal: AbortSignal;
  readonly #outgoing: Request[] = [];
  #wake: () => void = () => {};
  #reference = 0n;
  #waiting: Waiting | undefined;
  #ended: StudioError | undefined;

  constructor(client: Client<typeof SyncService>, blobId: string, opening: Opening, signal: AbortSignal) {
    this.#client = client;
    this.#blobId = blobId;
    this.#signal = signal;
    this.#outgoing.push({ blobId, message: { case: 'open', value: { ...opening } } });
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  async *events(): AsyncIterable<LinkEvent> {
    try {
      for await (const { message } of this.#client.sync(this.#requests(), { signal: this.#signal })) {
        const event = this.#read(message);
        if (event) yield event;
      }
    } finally {
      this.#ended = new StudioError('The connection ended before the answer.', Code.Unavailable, undefined);
      this.#waiting?.reject(this.#ended);
      this.#wake();
    }
  }

  push({ update, awareness }: Pushed): Promise<bigint> {
    if (awareness) this.#say({ case: 'awareness', value: awareness });
    if (!update) return Promise.resolve(0n);
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      this.#reference += 1n;
      this.#waiting = { reference: this.#reference, resolve, reject };
      this.#say({ case: 'update', value: { update, reference: this.#reference } });
    });
  }

  #say(message: Request['message']): void {
    this.#outgoing.push({ blobId: this.#blobId, message });
    this.#wake();
  }

  async *#requests(): AsyncIterable<Request> {
    while (!this.#ended && !this.#signal.aborted) {
      const next = this.#outgoing.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Undefined for the answer to a push alone, and for what a newer studio may say. Throws when the session was ended. */
  #read(message: SyncResponse['message']): LinkEvent | undefined {
    switch (message.case) {
      case 'opened':
        return { kind: 'opened', ...message.value };
      case 'update':
        return { kind: 'update', ...message.value };
      case 'committed':
        this.#answered(message.value.reference)?.resolve(message.value.version);
        return message.value.seen ? { kind: 'seen', version: message.value.version } : undefined;
      case 'rejected':
        this.#answered(message.value.reference)?.reject(StudioError.fromStatus(message.value.error));
        return undefined;
      case 'awareness':
        return { kind: 'awareness', update: message.value };
      case 'access':
        return { kind: 'access', readOnly: message.value.readOnly };
      case 'keepAlive':
        return { kind: 'keep_alive' };
      case 'closed':
        throw StudioError.fromStatus(message.value.error);
      case undefined:
        return undefined;
    }
  }

  #answered(reference: bigint): Waiting | undefined {
    const waiting = this.#waiting;
    if (waiting?.reference !== reference) return undefined;
    this.#waiting = undefined;
    return waiting;
  }
}
