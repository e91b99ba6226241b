/**
 * A process of its own that works on the past of one blob, so that a failpoint can kill it:
 * `history-process.ts compact|thin <database> <blob id> <database url> <NATS url>`, failpoints in HISTORY_FAILPOINTS.
 */
import { pino } from 'pino';
import { assembleHistory } from '../../src/documents/history/history-parts.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { openRetention } from './retention-world.ts';

const [action, name = '', blobId = '', mongodb = '', nats = ''] = process.argv.slice(2);
const DAY_MS = 24 * 60 * 60 * 1000;

const failpoints = new Failpoints(process.env['HISTORY_FAILPOINTS'] ?? '');
if (action === 'thin') {
  const urls = { mongodb, nats, temporal: '' };
  const retention = await openRetention({ url: (part) => urls[part] }, { database: name, failpoints });
  await retention.thinning.apply(blobId, { thinAfterMs: DAY_MS, keepDaily: true }, 'ann');
  await retention.close();
} else {
  const database = await openDatabase({ url: mongodb, name });
  const past = await assembleHistory({
    database,
    log: new CommitLog(database),
    failpoints,
    logger: pino({ level: 'warn' }),
  });
  const state = await past.history.load(blobId);
  await past.compaction.settle();
  past.history.leave(state);
  await past.compaction.settle();
  await past.close();
  await database.close();
}
