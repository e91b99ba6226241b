/** MongoDB and NATS, with a look into the database of the studios that a test starts on them. */
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';

export interface EventWorld {
  readonly parts: TestParts;
  readonly database: Database;
  readonly stop: () => Promise<void>;
}

export async function openEventWorld(): Promise<EventWorld> {
  const parts = await startParts({ mongodb: true, nats: true });
  const database = await openDatabase({ url: parts.url('mongodb'), name: 'studio' });
  return {
    parts,
    database,
    stop: async () => {
      await database.close();
      await parts.stop();
    },
  };
}
