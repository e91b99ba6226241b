/** What telling of deltas costs by itself: messages about as long as the studio's events, into a stream like its own. */
import { connect, DiscardPolicy, nanos } from 'nats';
import { StreamAcks, type StreamMessage } from '../src/events/stream-acks.ts';
import {
  EVENTS_PACE_MS,
  STREAM_AGE_MS_MAX,
  STREAM_BYTES_MAX,
  STREAM_DUPLICATE_WINDOW_MS,
  UPDATED_PACE_MS,
} from '../src/limits.ts';

const BODY = Buffer.alloc(200, 'x');

export class BareEvents {
  readonly #acks: StreamAcks;
  #told = 0;
  #gathered: StreamMessage[] = [];
  #isSoon = false;
  readonly #updatedAtMs = new Map<string, number>();

  private constructor(acks: StreamAcks) {
    this.#acks = acks;
  }

  static async open(url: string): Promise<BareEvents> {
    const connection = await connect({ servers: url });
    const manager = await connection.jetstreamManager();
    await manager.streams.add({
      name: 'BARE',
      subjects: ['bare.>'],
      max_bytes: STREAM_BYTES_MAX,
      max_age: nanos(STREAM_AGE_MS_MAX),
      duplicate_window: nanos(STREAM_DUPLICATE_WINDOW_MS),
      discard: DiscardPolicy.Old,
    });
    return new BareEvents(new StreamAcks(connection));
  }

  /** Of a commit: that each delta was applied, and now and then that the blob was updated. Sent at the studio's pace. */
  tell(blobId: string, deltas: number): void {
    for (let told = 0; told < deltas; told += 1) this.#gather(`bare.applied.${blobId}`);
    const nowMs = performance.now();
    if (nowMs - (this.#updatedAtMs.get(blobId) ?? -Infinity) >= UPDATED_PACE_MS) {
      this.#updatedAtMs.set(blobId, nowMs);
      this.#gather(`bare.updated.${blobId}`);
    }
    if (this.#isSoon) return;
    this.#isSoon = true;
    setTimeout(() => this.#send(), EVENTS_PACE_MS);
  }

  #gather(subject: string): void {
    this.#told += 1;
    this.#gathered.push({ subject, data: BODY, headers: headersOf(this.#told) });
  }

  #send(): void {
    this.#isSoon = false;
    // What the stream refuses, or has no time for, is not sent again: that would be more than the least.
    this.#acks.publish(this.#gathered).catch(() => undefined);
    this.#gathered = [];
  }
}

/** Only what the stream knows a message by. */
function headersOf(id: number): Uint8Array {
  return Buffer.from(`NATS/1.0\r\nNats-Msg-Id: bare.${process.pid}.${id}\r\n\r\n`, 'latin1');
}
