/** Of live editors and of who may see what. */

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
/** Documents one user has open in this process, each counted once for every connection that has it open. */
export const SYNC_DOCUMENTS_PER_USER_MAX = 20_000;
/** Documents opened on one socket of Hocuspocus's protocol, those still opening included. */
export const SYNC_DOCUMENTS_PER_SOCKET_MAX = 256;
/** What a socket or stream, a document and a user in this process may send; over it nothing more of it is read for a while. */
export const SYNC_CONNECTION_MESSAGES_PER_SECOND_MAX = 50_000;
export const SYNC_CONNECTION_BYTES_PER_SECOND_MAX = 32 * 1024 * 1024;
export const SYNC_DOCUMENT_MESSAGES_PER_SECOND_MAX = 100_000;
export const SYNC_DOCUMENT_BYTES_PER_SECOND_MAX = 64 * 1024 * 1024;
export const SYNC_USER_MESSAGES_PER_SECOND_MAX = 200_000;
export const SYNC_USER_BYTES_PER_SECOND_MAX = 128 * 1024 * 1024;
/** How exactly those are kept. */
export const SYNC_TICK_MS = 100;
/** Presence of one connection, and clients it may speak for; beyond either it is left out, a sole client's is refused. */
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
/** A socket of Hocuspocus's protocol on which nobody says who they are is closed after this long. */
export const SYNC_AUTHENTICATION_MS_MAX = 30_000;
/** Such sockets, of which the oldest gives way, and what comes on one before a token does; over it it is closed. */
export const SYNC_NAMELESS_SOCKETS_MAX = 1_000;
export const SYNC_NAMELESS_BYTES_MAX = 64 * 1024;
/** Document names of Hocuspocus's protocol, a session's id included. */
export const SYNC_ADDRESS_BYTES_MAX = 1_024;
/** So long before a token ends its client is asked for another, or when half of its time is over. */
export const TOKEN_REFRESH_AHEAD_MS = 30_000;
/** An edit that is not durable after this long is reported as unsaved to clients that want to know. */
export const SYNC_UNSAVED_NOTICE_MS = 1_000;
/** Clients of which an editor that comes back may be ahead, and size of its updates, for telling which were typed offline. */
export const SYNC_AHEAD_CLIENTS_MAX = 64;
export const SYNC_AHEAD_UPDATE_BYTES_MAX = 64 * 1024;
/** Updates of one editor refused since it may only read; over it the editor has to connect again. */
export const SYNC_REFUSED_UPDATES_MAX = 10_000;
/** An editor whose updates depend on something missing is asked for it this often in a row. */
export const SYNC_MISSING_ASKS_MAX = 3;
/** y-websocket takes a connection that brings no message for 30 s for dead; a peer that answers no ping is cut. */
export const SYNC_PING_EVERY_MS = 12_000;
/** Awareness that has aged out is looked for this often. */
export const SYNC_TIDY_EVERY_MS = 1_000;
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
/** Sessions of Push that are subscribed at another process; of who has the most, the one unused for longest gives way. */
export const SYNC_DISTANT_SESSIONS_MAX = 1_000;
export const SYNC_DISTANT_SESSION_IDLE_MS_MAX = 45_000;
/** RFC 6455: a close frame's reason. */
export const CLOSE_REASON_BYTES_MAX = 123;

/**
 * A flush of several deltas is shown delta by delta while that takes no more messages than this beyond one each; over it
 * as one update.
 */
export const SHOWN_APART_SENDS_MAX = 4;

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
/** How far the oldest of them are looked through for one that may go. */
export const ACCESS_EVICTION_TRIES_MAX = 64;
/** Blobs whose access decides over one derived blob. */
export const ACCESS_LINEAGE_BLOBS_MAX = 256;
/** Blobs one page of a list looks at for those that the caller may read and asked for. */
export const LIST_SCANNED_BLOBS_MAX = 2_000;
/** Blobs it asks for at once when those at first were too few. */
export const LIST_BATCH_BLOBS_MIN = 100;
