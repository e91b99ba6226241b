/**
 * A process of its own that works on the past of one blob, so that a failpoint can kill it:
 * `history-process.ts compact|thin <database url> <database> <blob id>`, failpoints in HISTORY_FAILPOINTS.
 */
import { pino } from 'pino';
import { assembleHistory } from '../../src/documents/history/history-parts.ts';
import { Thinning } from '../../src/documents/retention/thinning.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase } from '../../src/storage/database.ts';

const [action, url = '', name = '', blobId = ''] = process.argv.slice(2);
const DAY_MS = 24 * 60 * 60 * 1000;

const database = await openDatabase({ url, name });
const log = new CommitLog(database);
const failpoints = new Failpoints(process.env['HISTORY_FAILPOINTS'] ?? '');
const past = await assembleHistory({ database, log, failpoints, logger: pino({ level: 'warn' }) });
if (action === 'thin') {
  const names = { versionsOf: () => Promise.resolve([{ version: 777 }]) };
  await new Thinning({ ...past, log, names, prepare: () => Promise.resolve(), failpoints }).apply(
    blobId,
    { thinAfterMs: DAY_MS, keepDaily: true },
    'ann',
  );
} else {
  const state = await past.history.load(blobId);
  await past.compaction.settle();
  past.history.leave(state);
  await past.compaction.settle();
}
await past.close();
await database.close();
