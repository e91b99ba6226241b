/** Of events and those who watch them. */

export const STREAM_BYTES_MAX = 1024 * 1024 * 1024;
export const STREAM_AGE_MS_MAX = 7 * 24 * 60 * 60 * 1000;
/** JetStream's window for `Nats-Msg-Id`; consumers do not rely on it. */
export const STREAM_DUPLICATE_WINDOW_MS = 2 * 60 * 1000;
export const NATS_RETRY_MS = 500;
/** How often it is asked whether the stream is there, and still the one it was. */
export const STREAM_CHECK_MS = 1_000;
/** Of commits that wait for the stream; what comes above that is read back from the log. */
export const PUBLISH_QUEUE_DELTAS_MAX = 20_000;
/** Events on their way to the stream, which lets go of what comes above ten thousand, of all processes. */
export const PUBLISHES_IN_FLIGHT_MAX = 2_048;
export const PUBLISH_TIMEOUT_MS = 5_000;
export const PUBLISH_DRAIN_MS_MAX = 3_000;
export const WATERMARK_EVERY_MS = 1_000;
/**
 * JetStream says that it has an event before the disk has it, which takes its `sync_interval`, two minutes: events so
 * young may be lost with its machine, and are published again.
 */
export const PUBLISH_AGAIN_MS = 130_000;
export const COMMITTER_LEASE_MS = 5_000;
/** After a committer's lease lapsed its commits are published again this long: an insert of a dead process may land late. */
export const SWEEP_REPEAT_MS_MAX = 10 * 60 * 1000;
export const SWEEP_AGAIN_MS = 30_000;
export const SWEEP_EVERY_MS = 1_000;
/** Events of commits that follow one another closely go out together, this often; the first of them at once. */
export const EVENTS_PACE_MS = 10;
/** Of a blob that keeps changing `blob.updated` is told this often, of its newest version. */
export const UPDATED_PACE_MS = 250;
/** Notices for users likewise. */
export const NOTICES_PACE_MS = 250;
export const NOTICES_WAITING_MAX = 10_000;
export const NOTICE_SUBJECTS_MAX = 10_000;
/** Hashes that blob ids are told apart by where a process tells what it has open: a power of two, at most 2 ** 16. */
export const INTEREST_BITS = 16_384;
export const INTEREST_EVERY_MS = 1_000;
/** A process not heard of for so long has gone, or finds in the log what it was not told. */
export const INTEREST_SILENT_MS_MAX = 5_000;
/** Blobs whose commits were announced to nobody are remembered this long, for a process that opens them meanwhile. */
export const LIVE_SILENT_MS_MAX = 2_000;
export const LIVE_SILENT_BLOBS_MAX = 10_000;
export const CONSUMER_ACK_WAIT_MS = 30_000;
export const CONSUMER_BACKOFF_MS_MAX = 30_000;
/** Events whose readers are being asked for while earlier ones still are. */
export const FEED_AHEAD_EVENTS_MAX = 64;
/** Events of a watcher's backlog whose readers are asked for at once. */
export const WATCH_BACKLOG_EVENTS = 100;
export const WATCHERS_PER_PROCESS_MAX = 1_000;
/** So that one user leaves watchers to the others; on WebSockets, which are watchers too, as many. */
export const WATCHERS_PER_USER_MAX = 100;
/** Blobs of which one watcher remembers how far it was shown them. */
export const WATCH_BLOBS_REMEMBERED_MAX = 10_000;
export const WATCH_QUEUE_EVENTS_MAX = 1_000;
/** Live documents' versions are compared with the stored heads this often even when NATS seems healthy. */
export const LIVE_COMPARE_MS = 5_000;
/** And the log itself is looked at this often: ROOMS_LOADED_MAX of them take no more in a round, which is half a second. */
export const LIVE_LOOK_MS = 60_000;
export const LIVE_LOOKS_PER_ROUND_MAX = 20;
/** Without NATS. */
export const LIVE_LOOK_DISCONNECTED_MS = 500;
export const LIVE_LOOKS_DISCONNECTED_PER_ROUND_MAX = 100;
