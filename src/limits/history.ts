/** Of what is kept of the past, and of looking at it. */

// --- checkpoints
/** Deltas in the smallest run; what follows the last run is read from the log, commit by commit. */
export const RUN_DELTAS = 256;
/** Runs are joined to this many deltas, and again by RUN_JOIN_FACTOR where a blob has more than CHECKPOINT_RUNS_MAX. */
export const RUN_JOINED_DELTAS = 4_096;
export const RUN_JOIN_FACTOR = 8;
export const RUN_BYTES_MAX = 1024 * 1024;
/** Runs, of whatever blobs, that are stored together; those that come within so long wait for each other. */
export const RUNS_TOGETHER_MAX = 64;
export const RUNS_TOGETHER_BYTES_MAX = 4 * 1024 * 1024;
export const RUNS_GATHERED_MS = 1_000;
/** Of runs, encoded: half for those that wait to be stored, half for those that are not whole yet. */
export const PACKED_RUNS_BYTES_MAX = 16 * 1024 * 1024;
export const RUN_JOINED_BYTES_MAX = 4 * 1024 * 1024;
export const CHECKPOINT_RUNS_MAX = 256;
/** Deltas between states; doubled until a state costs at most STATE_BYTES_PER_DELTA for each, and there are few enough. */
export const STATE_EVERY_DELTAS = 4_096;
export const STATE_BYTES_PER_DELTA = 512;
export const CHECKPOINT_STATES_MAX = 256;
/** Bytes of updates after which a state is due all the same, unless the state itself is larger. */
export const STATE_EVERY_BYTES = 2 * 1024 * 1024;
/** A document that is let go leaves a state if it has grown by this since the last. */
export const STATE_LEAVING_DELTAS = 128;
export const STATE_LEAVING_BYTES = 256 * 1024;
/**
 * A state that would hold more, with all that was ever deleted, is made without what is deleted: Yjs takes ten times as
 * much memory to make it, and joins its strings to one, which JavaScript bounds.
 */
export const WHOLE_STATE_BYTES_MAX = 64 * 1024 * 1024;
/** A newest state from this size on has another beside it, without what is deleted, to load the blob from. */
export const COLLECTED_FROM_BYTES = 4 * 1024 * 1024;
/** Of updates, that such a one is built on at a time. */
export const COLLECTED_STEP_BYTES = 32 * 1024 * 1024;
/** Of states and updates, that a document which is to show again what was deleted is made of (LIMIT_EXCEEDED). */
export const KEPT_BYTES_MAX = 128 * 1024 * 1024;
export const CHECKPOINT_PART_BYTES_MAX = 8 * 1024 * 1024;
/** Wrong objects that are kept, since nothing can be made in their place; beyond it each reader reports them. */
export const IRREPLACEABLE_REMEMBERED_MAX = 1_000;
/** What one round makes of one blob before it is another blob's turn. */
export const RUNS_PER_ROUND_MAX = 128;
export const STATES_PER_ROUND_MAX = 8;
/** Blobs waiting for their checkpoints; over it the blob waits for its next delta. */
export const COMPACTIONS_WAITING_MAX = 10_000;
/** How long a process that stops goes on leaving states. */
export const CHECKPOINT_DRAIN_MS_MAX = 3_000;
/** What is in no index this long after it was written belongs to nobody. */
export const STRAY_AGE_MS_MIN = 10 * 60 * 1000;
/** Work on states up to this size is done on the spot; beyond it in a thread with these bounds. */
export const STATE_INLINE_BYTES_MAX = 96 * 1024;
/** Applied in one transaction, and on the spot without a turn for others. */
export const STATE_SLICE_DELTAS = 256;
export const STATE_SLICE_BYTES = 4 * 1024 * 1024;
export const STATE_THREAD_MS_MAX = 60_000;
export const STATE_THREAD_IDLE_MS_MAX = 10_000;
/**
 * Looked at between slices. V8 ends the whole process, not the thread, where a thread at its own limit asks for much at
 * once (a map that grows, a long string): so that limit is far above.
 */
export const STATE_THREAD_HEAP_MEGABYTES_MAX = 1_536;
export const STATE_THREAD_HEAP_MEGABYTES_HARD = 4_096;
/** Attempts to read one version while its checkpoints are being replaced. */
export const VERSION_READ_TRIES_MAX = 4;

// --- retention
/** History younger than this is never thinned; what is read from memory relies on it. */
export const RETENTION_AFTER_MS_MIN = 24 * 60 * 60 * 1000;
/**
 * What is younger than this, by whichever process's clock, was not thinned: neither the deltas in memory nor the slot
 * after a head seen since then. For the rest it is looked up.
 */
export const UNTHINNED_MS_MAX = RETENTION_AFTER_MS_MIN / 2;
/** How often policies are applied by themselves, and how often a process looks whether it is time. */
export const RETENTION_EVERY_MS = 24 * 60 * 60 * 1000;
export const RETENTION_LOOK_MS = 10 * 60 * 1000;
export const RETENTION_LEASE_MS = 2 * 60 * 1000;
/** Times one call plans what to drop of a blob while others drop of it; what it then leaves, the next call finds. */
export const RETENTION_PLANS_MAX = 4;
/** Of a pass, after which it goes on with the next look. */
export const RETENTION_PASS_MS_MAX = 5 * 60 * 1000;

// --- audit
/** A blob with differences is looked at again after a while: a head may lag, a commit may be on its way. */
export const AUDIT_AGAIN_MS = 500;
export const AUDIT_AGAIN_TRIES = 2;
/** A head behind a log that has not grown for this long is stale: it is due after HEAD_PACE_MS, and written in HEAD_LAG_MS_MAX. */
export const AUDIT_QUIET_MS = 1_500;
/** How long a head behind a log that goes on growing is waited for: twice HEAD_PACE_MS_MAX. */
export const AUDIT_HEAD_MS_MAX = 20_000;
/** Ids of blobs that are read at once, to be worked on one after the other. */
export const IDS_PER_PAGE = 10_000;
/** Requests of one blob among which repeats are found. */
export const AUDIT_REQUESTS_REMEMBERED_MAX = 1_000_000;
/** Commits of one blob among which the deltas are looked for that others name; beyond it they may be any. */
export const AUDIT_COMMITS_REMEMBERED_MAX = 1_000_000;

// --- loading (BLOB_QUARANTINED)
/** A state larger than this is first loaded in a thread that can be ended. */
export const LOAD_TRIED_BYTES_MIN = 4 * 1024 * 1024;
export const LOAD_BYTES_MAX = 512 * 1024 * 1024;
/**
 * What a load would read, with the newest state; over it changes are refused (LIMIT_EXCEEDED) until a newer state is
 * made. Far below LOAD_BYTES_MAX, so that what is let in can always be loaded.
 */
export const LOAD_BYTES_ACCEPTED_MAX = 256 * 1024 * 1024;
export const LOAD_MS_MAX = 60_000;
export const QUARANTINE_RETRY_MS_MIN = 15_000;
export const QUARANTINE_RETRY_MS_MAX = 10 * 60 * 1000;
/** Quarantined blobs one process remembers; over it the oldest is tried again sooner. */
export const QUARANTINE_REMEMBERED_MAX = 10_000;
/** Retention may delete what a reader is about to read: it then looks again before it believes that something is lost. */
export const LOG_GAP_TRIES_MAX = 3;
/** G1: a delta younger than this may not be journaled yet when it is read from the log. Longer than MongoDB waits for that. */
export const DELTA_FRESH_MS_MAX = 5_000;
