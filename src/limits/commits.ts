/** Of chains of changes, rooms and commits. */

// --- chains, reverts, and many changes at once
/** Own edits a caller may link by previous_delta above one from_version that do not fold into it (CHAIN_TOO_LONG). */
export const CHAIN_RANGES_MAX = 1_000;
export const CHAIN_DELTAS_MAX = 100_000;
/** Deltas one revert may undo one by one, and the history it looks through from the lowest of them to the head. */
export const REVERT_DELTAS_MAX = 10_000;
export const REVERT_IDS_MAX = 100;
export const REVERT_SCANNED_DELTAS_MAX = 50_000;
export const REVERT_SCANNED_BYTES_MAX = 64 * 1024 * 1024;
export const BATCH_PATCHES_MAX = 100;
export const BATCHES_PER_FLUSH_MAX = 16;
/** Changes of one ApplyDeltas stream that are not answered yet; over either, it is not read. */
export const STREAM_DELTAS_IN_FLIGHT_MAX = 256;
export const STREAM_DELTAS_IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;
/** How old labels, processed_by and the etag of its answers may be: read for each, they would cost a query a change. */
export const STREAM_META_AGE_MS_MAX = 1_000;
/** The answer to a change waits this long for them, where they are known from before. */
export const META_ANSWER_MS_MAX = 1_000;
/** Reads of them go one after the other, each for all who asked meanwhile; behind one that takes longer the next one goes. */
export const META_READ_SLOW_MS = 100;

// --- rooms and commits
export const ROOM_PENDING_EDITS_MAX = 4_096;
export const ROOM_PENDING_BYTES_MAX = 64 * 1024 * 1024;
export const FLUSH_DELTAS_MAX = 256;
export const FLUSH_BYTES_MAX = 8 * 1024 * 1024;
/** Blobs and bytes in one insert, and in one commit (LIMIT_EXCEEDED): MongoDB takes 16 MiB in a command or a document. */
export const COMMIT_DOCUMENTS_MAX = 200;
export const COMMIT_BYTES_MAX = 15 * 1024 * 1024;
/** The next insert leaves when the one before is answered: it then carries more. Or, where that is slow, after so long. */
export const INSERT_SLOW_MS = 100;
export const INSERTS_IN_FLIGHT_MAX = 2;
/** Commits waiting for an insert, or for the outcome of one, one per blob at most. */
export const COMMITS_WAITING_MAX = 10_000;
/**
 * A commit whose outcome is unknown is tried again this long before its callers get STORAGE_UNAVAILABLE (it may still
 * land), and so do those who read the blob behind it.
 */
export const COMMIT_RETRY_MS_MAX = 15_000;
export const COMMIT_RETRY_PAUSE_MS = 50;
/** Races lost in a row by one flush before its callers get LIMIT_EXCEEDED. */
export const COMMIT_RACES_MAX = 1_000;
/**
 * How long a process that has just committed leaves a blob to others, where any committed within CONTENDED_MS: so many
 * times as long as its own commits take just now, within these bounds.
 */
export const TURN_COMMITS = 8;
export const TURN_MS_MIN = 10;
export const TURN_MS_MAX = 100;
export const CONTENDED_MS = 500;
export const ROOMS_LOADED_MAX = 2_000;
/** Documents one user has open in one process, each once: a quarter, and all that one stream may have. */
export const ROOMS_HELD_PER_USER_MAX = 512;
/** The part of STUDIO_DOCUMENTS_MEMORY_MB beyond which a user opens no further document; one alone may take more. */
export const ROOMS_HELD_BYTES_PER_USER_FRACTION = 1 / 4;
export const TWIN_IDLE_MS_MAX = 5_000;
export const ROOM_IDLE_MS_MAX = 60_000;
/** Committed deltas a room keeps in memory to advance bases without reading the log. */
export const ROOM_TAIL_DELTAS_MAX = 2_048;
export const ROOM_TAIL_BYTES_MAX = 2 * 1024 * 1024;
/** And no more than this part of what the document itself takes, but for the first so many bytes. */
export const ROOM_TAIL_DOCUMENT_FRACTION_MAX = 1 / 8;
export const ROOM_TAIL_BYTES_MIN = 192 * 1024;
export const ROOM_TAIL_IDLE_DELTAS_MAX = 16;
/** Counted for a live document while it is loading, when its size is not known yet. */
export const ROOM_LOADING_BYTES = 256 * 1024;
/** Other processes' commits that came before a room could show them; what is beyond is read from the log. */
export const ROOM_REMOTE_COMMITS_MAX = 1_024;
export const ROOM_REMOTE_BYTES_MAX = 4 * 1024 * 1024;
export const ROOM_RECENT_REQUESTS_MAX = 1_024;
/** Documents at past versions kept for authoring, per process; STUDIO_DOCUMENTS_MEMORY_MB bounds their bytes with the others. */
export const BASE_DOCUMENTS_CACHED_MAX = 32;
export const BASE_DOCUMENTS_IDLE_MS_MAX = 30_000;
/**
 * How far a stored head may lag behind the log after a change. While more follow it is written every HEAD_PACE_MS; where
 * more blobs than HEADS_REWRITTEN_PER_SECOND_MAX go on changing, less often, but every HEAD_PACE_MS_MAX all the same, and
 * HEAD_PACE_MS after the last change.
 */
export const HEAD_LAG_MS_MAX = 200;
export const HEAD_PACE_MS = 1_000;
export const HEAD_PACE_MS_MAX = 10_000;
export const HEADS_REWRITTEN_PER_SECOND_MAX = 50;
export const HEADS_PER_WRITE_MAX = 100;
export const LOG_PAGE_COMMITS = 500;
/** Of updates and patches in a page of the log: it ends with the answer of the database that goes beyond. */
export const LOG_PAGE_BYTES_MAX = 8 * 1024 * 1024;
/** Of updates and patches that one read of deltas collects: with more it ends early, and the next page goes on. */
export const DELTAS_READ_BYTES_MAX = 64 * 1024 * 1024;
/** Of a page, what comes with one answer of the database. */
export const LOG_BATCH_COMMITS = 64;
