/** JetStream as it is, read past every studio. */
import { connect } from 'nats';

const STREAM = 'STUDIO';
const APPLIED = 'studio.delta.applied.';

/** `<blob id>:<version>` of each delta.applied that the stream holds. */
export async function readStream(url: string): Promise<Set<string>> {
  const connection = await connect({ servers: url });
  const found = new Set<string>();
  try {
    const { state } = await (await connection.jetstreamManager()).streams.info(STREAM);
    if (state.messages === 0) return found;
    const consumer = await connection.jetstream().consumers.get(STREAM);
    const messages = await consumer.consume();
    for await (const message of messages) {
      if (message.subject.startsWith(APPLIED)) {
        const { version } = message.json<{ version: number }>();
        found.add(`${message.subject.slice(APPLIED.length)}:${version}`);
      }
      if (message.seq >= state.last_seq) break;
    }
    await messages.close();
    return found;
  } finally {
    await connection.close();
  }
}
