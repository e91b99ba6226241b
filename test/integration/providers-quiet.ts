/** Whether all that was committed below a root has reached the workers: a test that asks for what is NOT done needs it. */
import { NatsError } from 'nats';
import type { Engine } from '../../src/engine.ts';
import { blobEventsOf, decodeEvent } from '../../src/events/cloud-events.ts';
import { STREAM } from '../../src/events/subjects.ts';
import { CommitOutlines } from '../../src/storage/log/commit-outlines.ts';

/** Of the workers' consumer. */
const DURABLE = 'propagation';
const NOT_FOUND = '404';

/** Each blob was told of in its newest version that is to be told, and no such event waits or is being handled. */
export async function isAllHandled(engine: Engine, rootId: string): Promise<boolean> {
  return (await isAllTold(engine, rootId)) && (await isNoneWaiting(engine));
}

async function isAllTold(engine: Engine, rootId: string): Promise<boolean> {
  const ofRoot = engine.database.commits.find({ root_id: rootId }, { projection: { blob_id: 1 } });
  const ids = new Set((await ofRoot.toArray()).map(({ blob_id: id }) => id));
  for (const id of ids) if ((await versionToldOf(engine, id)) < (await versionToTell(engine, id))) return false;
  return true;
}

/** No event waits for the workers, or is being handled by one. */
export async function isNoneWaiting(engine: Engine): Promise<boolean> {
  const { num_pending: waiting, num_ack_pending: handled } = await engine.connection
    .manager()
    .consumers.info(STREAM, DURABLE);
  return waiting === 0 && handled === 0;
}

async function versionToTell(engine: Engine, blobId: string): Promise<number> {
  let version = 0;
  for await (const commit of new CommitOutlines(engine.database).read(blobId, 1, Number.MAX_SAFE_INTEGER))
    for (const event of blobEventsOf(commit)) version = Math.max(version, event.version);
  return version;
}

async function versionToldOf(engine: Engine, blobId: string): Promise<number> {
  try {
    const last = { last_by_subj: `studio.blob.*.${blobId}` };
    const { header, data } = await engine.connection.manager().streams.getMessage(STREAM, last);
    return decodeEvent(header, data)?.version ?? 0;
  } catch (error) {
    if (error instanceof NatsError && error.code === NOT_FOUND) return 0;
    throw error;
  }
}
