/**
 * What every studio process is made of: storage, the document engine, events. `serve` puts doors before it, `worker`
 * Temporal behind it. With app.ts and worker.ts the only file that puts parts of several folders together; what a folder
 * puts together by itself is in a file of its own there.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { AccessKeeper } from './access/keeper.ts';
import type { AccessControl, Sharing } from './access/contract.ts';
import { BlobSharing } from './access/sharing.ts';
import type { Config } from './config.ts';
import { AttributionReads } from './documents/reads/attribution-reads.ts';
import { BaseDocuments } from './documents/history/base-documents.ts';
import { BlobLists } from './documents/reads/blob-lists.ts';
import { BlobViews } from './documents/reads/blob-view.ts';
import { Committer } from './documents/commits/committer.ts';
import type { Documents } from './documents/contract.ts';
import { DifferenceReads } from './documents/reads/difference-reads.ts';
import { DocumentEngine } from './documents/engine.ts';
import { HeadWriter } from './documents/commits/head-writer.ts';
import { assembleHistory, type HistoryParts } from './documents/history/history-parts.ts';
import { OriginFollower } from './documents/origins/origin-follower.ts';
import { OriginIndex } from './documents/origins/origin-index.ts';
import { OriginPieces } from './documents/origins/origin-pieces.ts';
import { PastVersions } from './documents/reads/past-versions.ts';
import { ReadableBlobs } from './documents/rooms/readable.ts';
import { assembleRetention } from './documents/retention/retention-parts.ts';
import type { RetentionPass } from './documents/retention/retention-pass.ts';
import type { BlobRetention } from './documents/retention/retention.ts';
import { Reads } from './documents/reads/reads.ts';
import type { RoomState } from './documents/memory/room-state.ts';
import { Rooms } from './documents/rooms/rooms.ts';
import { UpdateTrials } from './documents/trials/update-trials.ts';
import { VersionMoments } from './documents/reads/version-moments.ts';
import { VersionNames } from './documents/reads/version-names.ts';
import { VersionReads } from './documents/reads/version-reads.ts';
import { within } from './domain/within.ts';
import { SettingError, StudioError } from './errors.ts';
import { NatsAccessHints } from './events/access-hints.ts';
import { EventConnection } from './events/connection.ts';
import { DurableConsumer } from './events/consumer.ts';
import type { EventConsumer, EventWatcher } from './events/contract.ts';
import { StreamFeed } from './events/feed.ts';
import { NatsLiveChannel, NatsRelayChannel } from './events/live.ts';
import { BlobNotices } from './events/notices.ts';
import { AWARENESS_SUBJECTS, STATELESS_SUBJECTS } from './events/subjects.ts';
import { EventPublisher } from './events/publisher.ts';
import { StreamWriter } from './events/stream-writer.ts';
import { Sweep } from './events/sweep.ts';
import { StreamWatcher } from './events/watcher.ts';
import { Failpoints } from './failpoints.ts';
import { DRAIN_MS_MAX, LEAVE_MS_MAX, PUBLISH_DRAIN_MS_MAX } from './limits.ts';
import { AccessEpochStore } from './storage/access-epochs.ts';
import { AccessStore } from './storage/access.ts';
import { BlobHeads } from './storage/blobs.ts';
import { CommitLog } from './storage/log/commit-log.ts';
import { CommitOutlines } from './storage/log/commit-outlines.ts';
import { Committers } from './storage/log/committers.ts';
import { Contents } from './storage/contents.ts';
import { openDatabase, type Database } from './storage/database.ts';
import { ExecutionStore } from './storage/executions.ts';
import { Mark } from './storage/marks.ts';
import { NamedVersions } from './storage/named-versions.ts';
import { OriginBlocks } from './storage/origin-blocks.ts';
import { ProviderStore } from './storage/providers.ts';

export interface Engine {
  readonly name: string;
  readonly database: Database;
  readonly documents: Documents;
  readonly access: AccessControl;
  readonly sharing: Sharing;
  readonly accessLists: AccessStore;
  readonly heads: BlobHeads;
  readonly providers: ProviderStore;
  readonly executions: ExecutionStore;
  readonly reconciled: Mark;
  readonly failpoints: Failpoints;
  readonly watcher: EventWatcher;
  readonly consumer: EventConsumer;
  readonly awareness: NatsRelayChannel;
  readonly stateless: NatsRelayChannel;
  readonly connection: EventConnection;
  /** Checkpoints, quarantine, and what they count. */
  readonly archive: HistoryParts;
  readonly retention: BlobRetention;
  /** Started by the processes that are to do it. */
  readonly retentionPass: RetentionPass;
  /** Sends live sessions elsewhere; calls under way go on. */
  closeSessions(): void;
  /** After the last call: publishes, writes heads, lets go of everything. By `untilMs`, on performance's clock. */
  close(untilMs?: number): Promise<void>;
}

export async function openEngine(config: Config, logger: Logger): Promise<Engine> {
  if (!config.mongodbUrl)
    throw new SettingError('STUDIO_MONGODB_URL is not set; `studio dev` starts a database itself.');
  if (!config.natsUrl) throw new SettingError('STUDIO_NATS_URL is not set; `studio dev` starts NATS itself.');
  const committerId = randomBytes(8).toString('hex');
  const name = `${config.processName.slice(0, 32)}-${committerId}`;
  const failpoints = new Failpoints(config.failpoints);
  const database = await openDatabase({ url: config.mongodbUrl, name: config.mongodbDatabase });
  const connection = await EventConnection.open({ url: config.natsUrl, name, logger });

  const log = new CommitLog(database);
  const outlines = new CommitOutlines(database);
  const heads = new BlobHeads(database);
  const contents = new Contents(database);
  const committers = new Committers(database.db);
  const hints = new NatsAccessHints(connection);
  const [accessStore, epochs] = [new AccessStore(database), new AccessEpochStore(database.db)];
  const access = new AccessKeeper({ store: accessStore, epochs, hints, logger });
  const sharing = new BlobSharing({ store: accessStore, epochs, access, hints });
  const writer = new StreamWriter(connection);
  const publisher = new EventPublisher({
    committerId,
    connection,
    writer,
    outbox: outlines,
    committers,
    failpoints,
    logger,
  });
  const live = new NatsLiveChannel(connection, committerId, logger);
  const notices = new BlobNotices(connection, access);
  const follower = new OriginFollower(logger);
  const announcer = { onCommitted: live.announce.bind(live) };

  const committer = new Committer({
    id: committerId,
    log,
    database,
    listeners: [announcer, publisher, notices, follower],
    failpoints,
    logger,
  });
  const archive = await assembleHistory({ database, log, failpoints, logger });
  const { history, tombstones } = archive;
  const pieces = new OriginPieces();
  const keep = (state: RoomState): void => {
    archive.compaction.keep(state);
    pieces.keep(state);
  };
  const bases = new BaseDocuments(history);
  const headWriter = new HeadWriter({ heads, failpoints, logger });
  const trials = new UpdateTrials(logger);
  const rooms = new Rooms(
    { database, access, log, contents, committer, heads: headWriter, history, keep, bases, trials, logger },
    live,
    { stored: heads, memoryBytesMax: config.documentsMemoryMb * 1024 * 1024 },
  );
  const views = new BlobViews({ heads, headWriter, contents });
  const blobs = new ReadableBlobs({ rooms, history });
  const lists = new BlobLists({ heads, shared: accessStore, access });
  const past = new PastVersions({ history, views, blobs });
  const [named, originBlocks] = [new NamedVersions(database.db), new OriginBlocks(database.db)];
  const origins = new OriginIndex({ blobs, blocks: originBlocks, pieces, database, logger });
  follower.serve({ rooms, index: origins });
  const moments = new VersionMoments({ log, tombstones });
  const documents = new DocumentEngine({
    rooms,
    views,
    heads,
    headWriter,
    contents,
    access,
    reads: new Reads({ blobs, past, views, log, database, access, lists }),
    versions: new VersionReads({ blobs, past, moments, named, origins, tombstones }),
    differences: new DifferenceReads({ blobs, past }),
    attributions: new AttributionReads({ blobs, past, origins, log }),
    names: new VersionNames({ blobs, named, tombstones }),
  });
  const { retention, pass: retentionPass } = assembleRetention({
    database,
    rooms,
    heads,
    archive,
    log,
    names: named,
    prepare: (blobId) => rooms.with(blobId, async (room) => void (await origins.upTo(room, room.state.version))),
    failpoints,
    holder: name,
    logger,
  });
  const sweep = new Sweep({
    connection,
    writer,
    outbox: outlines,
    committers,
    heads,
    healHead: (blobId) => documents.healHead(blobId),
    logger,
  });
  const feed = new StreamFeed(connection, access, logger);
  const readRange = outlines.read.bind(outlines);
  const [providers, executions] = [new ProviderStore(database.db), new ExecutionStore(database.db)];

  await Promise.all([
    providers.createIndexes(),
    executions.createIndexes(),
    named.createIndexes(),
    originBlocks.createIndexes(),
    accessStore.createIndexes(),
    access.start(),
    publisher.start(),
  ]);
  sweep.start();
  return {
    name,
    database,
    documents,
    access,
    sharing,
    accessLists: accessStore,
    heads,
    providers,
    executions,
    reconciled: new Mark(database.db, 'reconciled'),
    failpoints,
    watcher: new StreamWatcher({ connection, feed, readRange, access }),
    consumer: new DurableConsumer(connection, logger),
    awareness: new NatsRelayChannel(connection, AWARENESS_SUBJECTS),
    stateless: new NatsRelayChannel(connection, STATELESS_SUBJECTS),
    connection,
    archive,
    retention,
    retentionPass,
    closeSessions: () =>
      rooms.closeSessions(new StudioError('DRAINING', 'This studio process is stopping; connect again.')),
    close: async (untilMs = performance.now() + DRAIN_MS_MAX) => {
      await rooms.settle();
      follower.close();
      committer.stop();
      // Of what lands after this nobody here tells, or writes the head: it is left to the sweep with all the rest.
      const { isSettled } = committer;
      live.close();
      notices.close();
      rooms.close();
      access.close();
      trials.close();
      let areHeadsWritten = false;
      const parts = Promise.allSettled([
        retentionPass.close(),
        archive.close(),
        sweep.close(),
        feed.close(),
        headWriter.close().then((areWritten) => (areHeadsWritten = areWritten)),
        publisher.drain(PUBLISH_DRAIN_MS_MAX),
      ]);
      await within(parts, untilMs - 3 * LEAVE_MS_MAX - performance.now(), undefined);
      // Only then: the sweep looks after nobody who has no entry, so a head not written yet, or not at all, would stay.
      await within(publisher.close({ isComplete: isSettled && areHeadsWritten }), LEAVE_MS_MAX, undefined);
      await within(Promise.allSettled([connection.close(), database.close()]), LEAVE_MS_MAX, undefined);
    },
  };
}
