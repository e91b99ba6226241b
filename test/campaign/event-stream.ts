/** JetStream as it is, read past every studio. */
import { connect } from 'nats';

const STREAM = 'STUDIO';
const APPLIED = 'studio.delta.applied.';

/** `<blob id>:<version>` of each delta.applied that the stream holds. */
export async function readStream(url: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const { subject, version } of await readEvents(url)) {
    if (subject.startsWith(APPLIED)) found.add(`${subject.slice(APPLIED.length)}:${version}`);
  }
  return found;
}

export interface StoredEvent {
  readonly subject: string;
  readonly version: number;
}

/** Every event that the stream holds, in its order. */
export async function readEvents(url: string): Promise<StoredEvent[]> {
  const connection = await connect({ servers: url });
  const found: StoredEvent[] = [];
  try {
    const { state } = await (await connection.jetstreamManager()).streams.info(STREAM);
    if (state.messages === 0) return found;
    const consumer = await connection.jetstream().consumers.get(STREAM);
    const messages = await consumer.consume();
    for await (const message of messages) {
      const { version } = message.json<{ version: number }>();
      found.push({ subject: message.subject, version });
      if (message.seq >= state.last_seq) break;
    }
    await messages.close();
    return found;
  } finally {
    await connection.close();
  }
}
