/** For browsers, which can't stream requests: Subscribe for what others change, Push for what is changed here. */
import { createClient, type Client, type Transport } from '@connectrpc/connect';
import { SyncService } from '../gen/memmie/studio/v1/sync_service_pb.ts';
import { PUSH_MS_MAX } from './limits.ts';
import type { SubscribeResponse } from '../gen/memmie/studio/v1/sync_service_pb.ts';
import type { Link, LinkEvent, LinkMaker, Opening, Pushed } from './link.ts';

export function subscribing(transport: Transport): LinkMaker {
  const client = createClient(SyncService, transport);
  return (blobId, opening, signal) => new SubscribeLink(client, blobId, opening, signal);
}

class SubscribeLink implements Link {
  readonly #client: Client<typeof SyncService>;
  readonly #blobId: string;
  readonly #opening: Opening;
  readonly #signal: AbortSignal;
  /** Pairs the calls of Push with the subscription, so that nothing comes back. */
  #session = '';
  #reference = 0n;

  constructor(client: Client<typeof SyncService>, blobId: string, opening: Opening, signal: AbortSignal) {
    this.#client = client;
    this.#blobId = blobId;
    this.#opening = opening;
    this.#signal = signal;
  }

  async *events(): AsyncIterable<LinkEvent> {
    const request = { blobId: this.#blobId, ...this.#opening };
    for await (const { message } of this.#client.subscribe(request, { signal: this.#signal })) {
      const event = this.#read(message);
      if (event) yield event;
    }
  }

  async push({ update, awareness }: Pushed): Promise<bigint> {
    const request = { blobId: this.#blobId, session: this.#session, reference: ++this.#reference, update, awareness };
    const { version } = await this.#client.push(request, { signal: this.#signal, timeoutMs: PUSH_MS_MAX });
    return version;
  }

  /** Undefined for what a newer studio may say. */
  #read(message: SubscribeResponse['message']): LinkEvent | undefined {
    switch (message.case) {
      case 'opened':
        this.#session = message.value.session;
        return { kind: 'opened', ...message.value };
      case 'update':
        return { kind: 'update', ...message.value };
      case 'committed':
        return message.value.seen ? { kind: 'seen', version: message.value.version } : undefined;
      case 'awareness':
        return { kind: 'awareness', update: message.value };
      case 'access':
        return { kind: 'access', readOnly: message.value.readOnly };
      case 'keepAlive':
        return { kind: 'keep_alive' };
      case undefined:
        return undefined;
    }
  }
}
