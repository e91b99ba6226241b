/**
 * Every bound of the studio that is not a setting, in one place (G7). Units come last in the names.
 * Over a limit there is an error that names it: `LIMIT_EXCEEDED` with `metadata.limit`, or the reason given beside it.
 */

// --- requests and pages
export const REQUEST_BYTES_MAX = 16 * 1024 * 1024;
export const ID_CHARACTERS_MAX = 64;
export const REQUEST_ID_CHARACTERS_MAX = 128;
export const LABELS_MAX = 64;
export const LABEL_KEY_CHARACTERS_MAX = 64;
export const LABEL_VALUE_CHARACTERS_MAX = 256;
export const PARENTS_MAX = 32;
export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 500;
/** Page tokens and event cursors (PAGE_TOKEN_INVALID, CURSOR_INVALID). */
export const PAGE_TOKEN_CHARACTERS_MAX = 2_048;
/** A page that carries content (BLOB_VIEW_FULL) stops growing at this many bytes. */
export const PAGE_CONTENT_BYTES_MAX = 8 * 1024 * 1024;
/** Deltas one ListVersions call looks at while grouping. */
export const VERSIONS_SCANNED_DELTAS_MAX = 10_000;
/** Longer than this without a change of an author, and their next one starts another stint. */
export const VERSION_GROUP_PAUSE_MS = 5 * 60 * 1000;
/** A group ends at multiples of this; well below VERSIONS_SCANNED_DELTAS_MAX, so that each call gets to the end of one. */
export const VERSION_GROUP_DELTAS_MAX = 5_000;
/** When several name one version for the first time at once. */
export const VERSION_NAME_TRIES_MAX = 16;
/** Several who name versions at once may exceed it, each by one. */
export const NAMED_VERSIONS_PER_BLOB_MAX = 1_000;
/** Canonical contents of past versions kept for reading them again. */
export const VERSION_CONTENTS_CACHED_BYTES_MAX = 32 * 1024 * 1024;
/** Of a difference as HTML (LIMIT_EXCEEDED). */
export const DIFFERENCE_BYTES_MAX = 32 * 1024 * 1024;
/** Nodes of a rich document that a difference pairs by likeness; larger stretches are paired in order. */
export const DIFFERENCE_PAIRS_MAX = 10_000;
/** Versions whose origins are stored as one block; fewer than a room's tail has, so that a new one is made of memory. */
export const ORIGINS_BLOCK_VERSIONS = 1_024;
/** Blocks read at once. */
export const ORIGINS_PAGE_BLOCKS = 32;
/** Blocks that wait to be made after their last commit; what is beyond is made when it is asked for. */
export const ORIGINS_WAITING_MAX = 1_000;
/** From the commit that completes a block to its making. */
export const ORIGINS_DELAY_MS = 500;
/** Versions of all blobs together whose origins are kept in memory: some 40 bytes each. */
export const ORIGINS_CACHED_VERSIONS_MAX = 1_000_000;
/** Attributed ranges of all contents together that are kept for their next page. */
export const ATTRIBUTED_RANGES_CACHED_MAX = 250_000;
/** Ids in one `$in`; larger sets are read in slices of this size. */
export const IN_LIST_IDS_MAX = 100;

// --- content
/** Canonical content of one blob (CONTENT_TOO_LARGE). */
export const CONTENT_BYTES_MAX = 8 * 1024 * 1024;
/** Rich content is not written out beyond this, whatever marks make of it. */
export const RICH_CHARACTERS_MAX = 4 * CONTENT_BYTES_MAX;
/** Marks of one text, each counted once for every run it is on. */
export const RICH_MARKS_MAX = 1_000_000;
/** Nesting of JSON and rich documents (CONTENT_INVALID, UPDATE_TOO_COMPLEX). */
export const CONTENT_DEPTH_MAX = 128;
/** What of JSON and of rich documents is kept by itself: it costs more than its bytes, and rich to delete (CONTENT_TOO_LARGE). */
export const JSON_STRUCTS_MAX = 250_000;
export const RICH_STRUCTS_MAX = 100_000;
export const TEXT_EDITS_PER_DELTA_MAX = 10_000;
/** What finding a minimal difference may cost; beyond it larger parts are replaced as a whole. */
export const DIFFERENCE_COMPARISONS_MAX = 32_000_000;
/** Places that one whole content may change by themselves, and what they may cost in structs of Yjs moved in memory. */
export const DIFFERENCE_PLACES_MAX = 10_000;
export const DIFFERENCE_STRUCTS_MOVED_MAX = 400_000_000;
export const JSON_PATCH_OPERATIONS_MAX = 1_000;
export const JSON_PATCH_COPIED_BYTES_MAX = 16 * 1024 * 1024;
/** What of the caller's patch is kept on the delta for reading; a longer one is kept as its size and hash. */
export const PATCH_STORED_BYTES_MAX = 64 * 1024;

// --- raw Yjs updates (UPDATE_TOO_COMPLEX)
export const UPDATE_BYTES_MAX = 8 * 1024 * 1024;
export const UPDATE_STRUCTS_MAX = 500_000;
export const UPDATE_CLIENT_IDS_MAX = 1_000;
export const UPDATE_DELETE_RANGES_MAX = 500_000;
export const UPDATE_CLOCK_MAX = 2 ** 31 - 1;
/** What a client says it has, in sync step 1: about a hundred thousand client ids. */
export const STATE_VECTOR_BYTES_MAX = 1024 * 1024;
/** Plain values one struct may hold: each may be one byte of the update and many in memory. */
export const UPDATE_VALUES_MAX = 1_000_000;
/** List elements between the neighbours its structs name: Yjs looks through them. */
export const UPDATE_ORDER_STEPS_MAX = 4_000_000;
/**
 * What the updates of one flush may have Yjs look through, at about half a microsecond each, before one more is tried
 * in a thread first.
 */
export const UPDATE_STEPS_UNTRIED_MAX = 250_000;
/** From this size on an update is tried in a thread before it joins a flush. */
export const TRIAL_FROM_BYTES = 64 * 1024;
/** The same for one that only deletes. */
export const TRIAL_DELETIONS_BYTES = 512 * 1024;
export const TRIAL_THREADS_MAX = 2;
export const TRIALS_WAITING_MAX = 256;
export const TRIAL_MEMORY_MB_MAX = 512;
export const TRIAL_STACK_MB_MAX = 4;
/** To load the document's copy; then to check the update and integrate it. Over either the thread is ended. */
export const TRIAL_LOAD_MS_MAX = 15_000;
export const TRIAL_MS_MAX = 8_000;
export const TRIAL_THREAD_IDLE_MS_MAX = 30_000;
/** What integrating an update may take: this, and a millisecond more for each INTEGRATION_BYTES_PER_MS_MIN of it. */
export const INTEGRATION_MS_MIN = 250;
export const INTEGRATION_BYTES_PER_MS_MIN = 2 * 1024;
/** A slow integration is timed this often before it is blamed on the update. */
export const UPDATE_INTEGRATIONS_TIMED_MAX = 2;
/** Roots of an opaque Y.Doc. */
export const UPDATE_ROOTS_MAX = 1_000;

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

// --- rooms and commits
export const ROOM_PENDING_EDITS_MAX = 4_096;
export const ROOM_PENDING_BYTES_MAX = 64 * 1024 * 1024;
export const FLUSH_DELTAS_MAX = 256;
export const FLUSH_BYTES_MAX = 8 * 1024 * 1024;
/** Blobs and bytes in one insert, and in one commit (LIMIT_EXCEEDED): MongoDB takes 16 MiB in a command or a document. */
export const COMMIT_DOCUMENTS_MAX = 200;
export const COMMIT_BYTES_MAX = 15 * 1024 * 1024;
export const INSERTS_IN_FLIGHT_MAX = 2;
/** Commits waiting for an insert, one per blob at most. */
export const COMMITS_WAITING_MAX = 10_000;
/** A commit whose outcome is unknown is tried again this long before its callers get STORAGE_UNAVAILABLE (it may still land). */
export const COMMIT_RETRY_MS_MAX = 15_000;
export const COMMIT_RETRY_PAUSE_MS = 50;
/** Races lost in a row by one flush before its callers get ABORTED-style LIMIT_EXCEEDED. */
export const COMMIT_RACES_MAX = 1_000;
export const ROOMS_LOADED_MAX = 2_000;
export const TWIN_IDLE_MS_MAX = 5_000;
export const ROOM_IDLE_MS_MAX = 60_000;
/** Committed deltas a room keeps in memory to advance bases without reading the log. */
export const ROOM_TAIL_DELTAS_MAX = 2_048;
export const ROOM_TAIL_BYTES_MAX = 2 * 1024 * 1024;
/** And no more than this part of what the document itself takes, but for the first so many bytes. */
export const ROOM_TAIL_DOCUMENT_FRACTION_MAX = 1 / 8;
export const ROOM_TAIL_BYTES_MIN = 64 * 1024;
export const ROOM_TAIL_IDLE_DELTAS_MAX = 16;
/** Counted for a live document while it is loading, when its size is not known yet. */
export const ROOM_LOADING_BYTES = 256 * 1024;
export const ROOM_REMOTE_COMMITS_MAX = 1_024;
export const ROOM_RECENT_REQUESTS_MAX = 1_024;
/** Documents at past versions kept for authoring, per process. */
export const BASE_DOCUMENTS_CACHED_MAX = 32;
/** How far a stored head may lag behind the log after a change; while more follow, it is written every HEAD_PACE_MS. */
export const HEAD_LAG_MS_MAX = 200;
export const HEAD_PACE_MS = 1_000;
export const HEADS_PER_WRITE_MAX = 100;
export const LOG_PAGE_COMMITS = 500;

// --- checkpoints
/** Deltas in the smallest run; what follows the last run is read from the log, commit by commit. */
export const RUN_DELTAS = 256;
/** Runs are joined to this many deltas, and again by RUN_JOIN_FACTOR where a blob has more than CHECKPOINT_RUNS_MAX. */
export const RUN_JOINED_DELTAS = 4_096;
export const RUN_JOIN_FACTOR = 8;
export const RUN_BYTES_MAX = 1024 * 1024;
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
export const CHECKPOINT_PART_BYTES_MAX = 8 * 1024 * 1024;
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
export const STATE_THREAD_MS_MAX = 60_000;
export const STATE_THREAD_IDLE_MS_MAX = 10_000;
export const STATE_THREAD_HEAP_MEGABYTES_MAX = 1_024;
/** Attempts to read one version while its checkpoints are being replaced. */
export const VERSION_READ_TRIES_MAX = 4;

// --- retention
/** History younger than this is never thinned; what is read from memory relies on it. */
export const RETENTION_AFTER_MS_MIN = 24 * 60 * 60 * 1000;
/** How often policies are applied by themselves, and how often a process looks whether it is time. */
export const RETENTION_EVERY_MS = 24 * 60 * 60 * 1000;
export const RETENTION_LOOK_MS = 10 * 60 * 1000;
export const RETENTION_LEASE_MS = 2 * 60 * 1000;
/** Of a pass, after which it goes on with the next look. */
export const RETENTION_PASS_MS_MAX = 5 * 60 * 1000;

// --- audit
/** A blob with differences is looked at again after a while: a head may lag, a commit may be on its way. */
export const AUDIT_AGAIN_MS = 500;
export const AUDIT_AGAIN_TRIES = 2;
/** Requests of one blob among which repeats are found. */
export const AUDIT_REQUESTS_REMEMBERED_MAX = 1_000_000;

// --- loading (BLOB_QUARANTINED)
/** A state larger than this is first loaded in a thread that can be ended. */
export const LOAD_TRIED_BYTES_MIN = 4 * 1024 * 1024;
export const LOAD_BYTES_MAX = 512 * 1024 * 1024;
export const LOAD_MS_MAX = 60_000;
export const QUARANTINE_RETRY_MS_MIN = 15_000;
export const QUARANTINE_RETRY_MS_MAX = 10 * 60 * 1000;
/** Quarantined blobs one process remembers; over it the oldest is tried again sooner. */
export const QUARANTINE_REMEMBERED_MAX = 10_000;

// --- events
export const STREAM_BYTES_MAX = 1024 * 1024 * 1024;
export const STREAM_AGE_MS_MAX = 7 * 24 * 60 * 60 * 1000;
/** JetStream's window for `Nats-Msg-Id`; consumers do not rely on it. */
export const STREAM_DUPLICATE_WINDOW_MS = 2 * 60 * 1000;
export const NATS_RETRY_MS = 500;
export const PUBLISH_QUEUE_COMMITS_MAX = 10_000;
export const PUBLISHES_IN_FLIGHT_MAX = 512;
export const PUBLISH_TIMEOUT_MS = 5_000;
export const PUBLISH_DRAIN_MS_MAX = 3_000;
export const WATERMARK_EVERY_MS = 1_000;
export const COMMITTER_LEASE_MS = 5_000;
/** After a committer's lease lapsed its commits are published again this long: an insert of a dead process may land late. */
export const SWEEP_REPEAT_MS_MAX = 10 * 60 * 1000;
export const SWEEP_AGAIN_MS = 30_000;
export const SWEEP_EVERY_MS = 1_000;
export const CONSUMER_ACK_WAIT_MS = 30_000;
export const CONSUMER_BACKOFF_MS_MAX = 30_000;
/** Events whose readers are being asked for while earlier ones still are. */
export const FEED_AHEAD_EVENTS_MAX = 64;
/** Events of a watcher's backlog whose readers are asked for at once. */
export const WATCH_BACKLOG_EVENTS = 100;
export const WATCHERS_PER_PROCESS_MAX = 1_000;
/** Blobs of which one watcher remembers how far it was shown them. */
export const WATCH_BLOBS_REMEMBERED_MAX = 10_000;
export const WATCH_QUEUE_EVENTS_MAX = 1_000;
/** Live documents are checked against the log this often even when NATS seems healthy: a lost last message has no successor. */
export const LIVE_RECHECK_MS = 5_000;
export const LIVE_RECHECK_DISCONNECTED_MS = 500;

// --- live sessions
export const SYNC_MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
/** What may wait for a reader. Beyond it nothing more is sent until it has read that, then what it lacks by then. */
export const SYNC_SEND_BUFFER_BYTES_MAX = 1024 * 1024;
/** Presence is left out for a reader with more than this before it, and sent as it then is once that is read. */
export const AWARENESS_SEND_BUFFER_BYTES_MAX = 64 * 1024;
/** Answers kept behind a large message that is being sent; over it the socket is not read. */
export const SYNC_HELD_BYTES_MAX = 64 * 1024;
/** A reader that takes nothing of what waits for it is closed after this long. */
export const SYNC_STALL_MS_MAX = 20_000;
/** Larger messages go out in WebSocket fragments of this size, one when the last is gone. */
export const SYNC_FRAGMENT_BYTES = 256 * 1024;
/** Large messages are sent in turns: those under way come to this much, the rest wait. */
export const LARGE_SENDS_BYTES_MAX = 64 * 1024 * 1024;
/** A reader slower than this does not keep its turn from the others. */
export const LARGE_SEND_TURN_MS_MAX = 2_000;
/** Different large messages held for readers, slow ones included; over it the next waits. */
export const LARGE_SENDS_HELD_BYTES_MAX = 256 * 1024 * 1024;
/** Encoded states kept per document and version, for those who ask for the same, and of all documents together. */
export const STATES_CACHED_PER_DOCUMENT_MAX = 16;
export const STATES_CACHED_BYTES_MAX = 64 * 1024 * 1024;
export const STATES_CACHED_MS_MAX = 2_000;
export const SYNC_CONNECTIONS_MAX = 20_000;
export const SYNC_CONNECTIONS_PER_USER_MAX = 10_000;
export const SYNC_CONNECTIONS_PER_DOCUMENT_MAX = 10_000;
/** Documents opened on one socket of Hocuspocus's protocol, those still opening included. */
export const SYNC_DOCUMENTS_PER_SOCKET_MAX = 256;
/** What a socket, a document in this process and a user in this process may send; over it the socket is not read for a while. */
export const SYNC_CONNECTION_MESSAGES_PER_SECOND_MAX = 50_000;
export const SYNC_CONNECTION_BYTES_PER_SECOND_MAX = 32 * 1024 * 1024;
export const SYNC_DOCUMENT_MESSAGES_PER_SECOND_MAX = 100_000;
export const SYNC_DOCUMENT_BYTES_PER_SECOND_MAX = 64 * 1024 * 1024;
export const SYNC_USER_MESSAGES_PER_SECOND_MAX = 200_000;
export const SYNC_USER_BYTES_PER_SECOND_MAX = 128 * 1024 * 1024;
/** How exactly those are kept. */
export const SYNC_TICK_MS = 100;
export const AWARENESS_BYTES_MAX = 64 * 1024;
export const AWARENESS_CLIENTS_PER_CONNECTION_MAX = 16;
/** States of one document in this process; over it new ones are left out. */
export const AWARENESS_ROOM_BYTES_MAX = 8 * 1024 * 1024;
/** Presence of one document is sent at most this often. */
export const AWARENESS_FLUSH_MS = 30;
/** What one message between processes carries at most of it. */
export const AWARENESS_RELAY_BYTES_MAX = 256 * 1024;
/** Named in one awareness update, echoes of others included (UPDATE_TOO_COMPLEX). */
export const AWARENESS_UPDATE_CLIENTS_MAX = 20_000;
/** Awareness states that other processes relayed and never took back: their process may have died. */
export const AWARENESS_REMOTE_AGE_MS_MAX = 45_000;
/** Clocks of clients that left, kept per blob so that an echo of their last state does not bring them back. */
export const AWARENESS_DEPARTED_CLIENTS_MAX = 1_000;
/** A stateless message of Hocuspocus's protocol (CONTENT_TOO_LARGE). */
export const STATELESS_BYTES_MAX = 64 * 1024;
/** Updates of one editor that are not durable yet; over either its socket is not read until some are. */
export const SYNC_PENDING_UPDATES_MAX = 512;
export const SYNC_PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** Messages for documents of a socket that are still being opened; over either the socket is not read until one is. */
export const SYNC_UNOPENED_MESSAGES_MAX = 1_000;
export const SYNC_UNOPENED_BYTES_MAX = 1024 * 1024;
/** A document that can't be opened now is tried again this often, this far apart, before its socket is closed. */
export const SYNC_OPEN_RETRIES_MAX = 10;
export const SYNC_OPEN_RETRY_MS = 1_000;
/** A socket of Hocuspocus's protocol on which nobody says who they are. */
export const SYNC_AUTHENTICATION_MS_MAX = 30_000;
/** Document names of Hocuspocus's protocol, a session's id included. */
export const SYNC_ADDRESS_BYTES_MAX = 1_024;
/** So long before a token ends its client is asked for another, or when half of its time is over. */
export const TOKEN_REFRESH_AHEAD_MS = 30_000;
/** An edit that is not durable after this long is reported as unsaved to clients that want to know. */
export const SYNC_UNSAVED_NOTICE_MS = 1_000;
/** An editor whose updates depend on something missing is asked for it this often in a row. */
export const SYNC_MISSING_ASKS_MAX = 3;
/** y-websocket takes a connection that brings no message for 30 s for dead; a peer that answers no ping is cut. */
export const SYNC_PING_EVERY_MS = 12_000;
export const SYNC_PING_SLICES = 12;
/** Streams of SyncService (Sync and Subscribe) in one process. */
export const SYNC_STREAMS_MAX = 20_000;
export const SYNC_DOCUMENTS_PER_STREAM_MAX = 512;
/** What waits for a stream's reader; over either its updates become one that is made when the reader is ready for it. */
export const SYNC_STREAM_FRAMES_MAX = 1_024;
export const SYNC_STREAM_BYTES_MAX = 4 * 1024 * 1024;
/** A stream whose reader takes nothing for this long, though there is something, is ended. */
export const SYNC_STREAM_STALL_MS_MAX = 60_000;
/** A client that comes back is sent single deltas up to these bounds, beyond them its difference from the state. */
export const SYNC_RESUME_DELTAS_MAX = 128;
export const SYNC_RESUME_BYTES_MAX = 256 * 1024;
/** Sessions of Push that are subscribed at another process; the one unused for longest gives way. */
export const SYNC_DISTANT_SESSIONS_MAX = 1_000;
export const SYNC_DISTANT_SESSION_IDLE_MS_MAX = 45_000;
/** RFC 6455: a close frame's reason. */
export const CLOSE_REASON_BYTES_MAX = 123;

// --- access
/** Updates of one live document held back from its editors while it can't be told who may see them; over it they get its state. */
export const HELD_UPDATES_MAX = 256;
export const HELD_UPDATES_BYTES_MAX = 4 * 1024 * 1024;
/** Users one blob is shared with, owners included. */
export const GRANTS_PER_BLOB_MAX = 256;
/** Races lost in a row by one change of access. */
export const ACCESS_RACES_MAX = 100;
/** Counters of access changes, by hash of the blob's id: a change makes processes look again at 1 in so many blobs. */
export const ACCESS_EPOCHS = 64;
export const ACCESS_READ_EVERY_MS = 500;
/** A process that has not read the counters for this long shows nothing new to anyone until it has. */
export const ACCESS_UNKNOWN_MS_MAX = 1_000;
/** Counters that were asked for and have not come by then are asked for again. */
export const ACCESS_ANSWER_MS_MAX = 2_000;
export const ACCESS_RETRY_MS = 100;
/** Read again after this long even when nothing was counted: who changed it may have died before counting. */
export const ACCESS_RECHECK_MS = 30_000;
export const ACCESS_CACHED_MAX = 20_000;
/** Blobs whose access decides over one derived blob. */
export const ACCESS_LINEAGE_BLOBS_MAX = 256;
/** Blobs one page of a list looks at for those that the caller may read and asked for. */
export const LIST_SCANNED_BLOBS_MAX = 2_000;

// --- derivation
export const LINEAGE_DEPTH_MAX = 32;
export const DAG_NODES_MAX = 10_000;
export const PROVIDERS_PER_USER_MAX = 200;
export const TRIGGER_PATTERNS_MAX = 32;
export const PATTERN_CHARACTERS_MAX = 1_024;
export const SCHEMA_BYTES_MAX = 64 * 1024;
export const CONFIG_BYTES_MAX = 64 * 1024;
export const PROVIDER_TIMEOUT_MS_DEFAULT = 30_000;
export const PROVIDER_TIMEOUT_MS_MAX = 10 * 60 * 1000;
export const PROVIDER_INPUT_BYTES_MAX = CONTENT_BYTES_MAX;
export const PROVIDER_ATTEMPTS = 3;
export const PROVIDER_BACKOFF_COEFFICIENT = 2;
export const EXECUTION_LEASE_MS = 60_000;
export const RECONCILE_EVERY_MS = 30_000;
/** Events held until their signal is in Temporal. Many, because those of one root share a signal. */
export const DISPATCH_IN_FLIGHT_MAX = 256;
/** Signals of one root are at least this far apart. */
export const SIGNAL_EVERY_MS = 50;
export const SIGNALS_IN_FLIGHT_MAX = 16;
/** Providers that may run on one user's blobs: own ones and those of scope `all`. */
export const ACTIVE_PROVIDERS_MAX = 1_000;
export const PROVIDER_NAME_CHARACTERS_MAX = 128;
export const PROVIDER_DESCRIPTION_CHARACTERS_MAX = 2_048;
export const SUPPORTED_TYPES_MAX = 64;
export const WORKFLOW_NAME_CHARACTERS_MAX = 200;
export const DEBOUNCE_MS_MAX = 60 * 60 * 1000;
/** Input of a built-in, which runs inside a worker and can't be interrupted. */
export const BUILTIN_INPUT_BYTES_MAX = 2 * 1024 * 1024;
/** Content handed to a `workflow` provider in its input; larger content it reads through the API. */
export const PROVIDER_INLINE_CONTENT_BYTES_MAX = 512 * 1024;
export const PROVIDER_ERROR_CHARACTERS_MAX = 2_048;
/** Before the second attempt; each later pause is PROVIDER_BACKOFF_COEFFICIENT times the one before. */
export const PROVIDER_BACKOFF_MS = 1_000;
/** Compiled schemas kept by a worker. */
export const SCHEMAS_COMPILED_MAX = 128;
/** Runs closed at once by a workflow that ends. */
export const LEFTOVER_RUNS_MAX = 1_000;
export const CLAIM_RACES_MAX = 16;
/** Runs one plan starts; the next plan starts the rest. */
export const PLAN_RUNS_MAX = 64;
/** Built-ins one local activity runs one after the other. */
export const BUILTIN_BATCH_RUNS_MAX = 16;
/** Events in one workflow's history before it continues as new. */
export const PROPAGATION_HISTORY_EVENTS_MAX = 2_000;
export const LOCAL_STEP_MS_MAX = 60_000;
/** A batch of built-ins, each over at most BUILTIN_INPUT_BYTES_MAX. */
export const BUILTIN_STEP_MS_MAX = 5 * 60 * 1000;
/** Before looking again for a child workflow of an earlier attempt to end. */
export const CHILD_BUSY_MS = 1_000;
export const STEP_RETRY_MS_MAX = 10_000;
/** How long Temporal waits for a worker that took a workflow task and died. */
export const WORKFLOW_TASK_MS_MAX = 5_000;
export const TEMPORAL_CALL_MS_MAX = 5_000;
export const TEMPORAL_RETRY_MS_MAX = 5_000;
/** How long a worker waits for Temporal before it counts as started all the same. */
export const WORKER_READY_MS_MAX = 15_000;
export const WORKFLOW_TASKS_IN_FLIGHT_MAX = 20;
export const LOCAL_STEPS_IN_FLIGHT_MAX = 20;
export const WORKFLOWS_CACHED_MAX = 200;
/** The reconciler looks back this far behind its mark: a head may be healed late. */
export const RECONCILE_OVERLAP_MS = 2 * 60 * 1000;
export const RECONCILE_PAGE_HEADS = 500;
export const RECONCILE_ROOTS_REMEMBERED_MAX = 10_000;

// --- shutting down
export const DRAIN_MS_MAX = 10_000;

// --- the doors
export const HEADER_BYTES_MAX = 16 * 1024;
/** From the connection's first byte to the end of the headers of an HTTP/1.1 request. */
export const HEADERS_MS_MAX = 10_000;
/** A connection that never says which protocol it speaks is closed after this long. */
export const FIRST_BYTE_MS_MAX = 10_000;
export const REQUEST_RECEIVE_MS_MAX = 60_000;
export const TIMEOUTS_CHECKED_EVERY_MS = 5_000;
/** A request that was answered before it was read whole has this long to end by itself. */
export const UNREAD_REQUEST_MS_MAX = 1_000;
export const KEEP_ALIVE_IDLE_MS_MAX = 60_000;
export const CONNECTIONS_MAX = 25_000;
/** HTTP/2 and WebSocket peers are pinged this often; one that has not answered by the next ping is gone. */
export const PING_EVERY_MS = 30_000;
export const STREAMS_PER_CONNECTION_MAX = 1_000;
/** A stream that has nothing to send yet sends its headers after this long. */
export const STREAM_HEADERS_MS_MAX = 100;
export const STREAM_WINDOW_BYTES = 1024 * 1024;
export const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
export const HTTP2_SESSION_MEGABYTES_MAX = 64;
/** The longest deadline a caller may name. */
export const CALL_DEADLINE_MS_MAX = 7 * 24 * 60 * 60 * 1000;
export const READINESS_CHECK_MS_MAX = 2_000;
export const EVENTS_SOCKETS_MAX = 1_000;
export const EVENTS_SOCKET_MESSAGE_BYTES_MAX = 1_024;
/** A WebSocket whose unsent bytes reach this is waited for; one that does not take them in time is closed. */
export const EVENTS_SOCKET_BUFFER_BYTES_MAX = 1024 * 1024;
export const EVENTS_SOCKET_STALL_MS_MAX = 30_000;

// --- tokens
export const TOKEN_CHARACTERS_MAX = 8 * 1024;
export const USER_ID_CHARACTERS_MAX = 256;
export const TOKEN_CLOCK_TOLERANCE_SECONDS = 5;
/** Verified tokens kept so that a call does not verify a signature again; a withdrawn key counts for this long at most. */
export const TOKENS_CACHED_MAX = 10_000;
export const TOKEN_CACHE_MS_MAX = 60_000;
export const JWKS_BYTES_MAX = 256 * 1024;
export const JWKS_FETCH_MS_MAX = 5_000;
export const JWKS_COOLDOWN_MS = 10_000;
export const JWKS_CACHE_MS_MAX = 10 * 60 * 1000;

// --- parts on one machine
export const PART_READY_MS_MAX = 45_000;
export const PART_STOP_MS_MAX = 5_000;
/** Other ports tried when the free one that was picked is taken before the part binds it. */
export const PART_PORT_TRIES_MAX = 3;
export const PART_PROBE_TIMEOUT_MS = 2_000;
export const PART_PROBE_PAUSE_MS = 50;
export const PART_PROBE_REPLY_BYTES_MAX = 1024 * 1024;
/** A part's log beyond this is moved to `<part>.log.1`, at start and each LOG_CHECK_EVERY_MS. */
export const PART_LOG_BYTES_MAX = 16 * 1024 * 1024;
export const LOG_CHECK_EVERY_MS = 30_000;
export const LAST_WORDS_CHARACTERS_MAX = 400;
export const WHEEL_INSTALL_MS_MAX = 10 * 60 * 1000;
export const PYTHON_PROBE_MS_MAX = 10_000;
export const GONE_POLL_MS = 25;
/** How soon `studio dev` sees that the process which started it is gone. */
export const PARENT_POLL_MS = 500;
export const CHILD_READY_MS_MAX = 45_000;
/** npm passes a Ctrl-C on that the terminal has already sent; only a later one means "at once". */
export const SECOND_SIGNAL_AFTER_MS = 700;
