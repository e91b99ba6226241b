/** Of the process: its doors, its end, its parts on one machine. */

// --- shutting down
/** From the signal to the end of the process, whatever still waits then. */
export const DRAIN_MS_MAX = 10_000;
/** Of it, for the doors, or the steps of a worker: what has not ended by then is cut, so that the rest is left in order. */
export const DOORS_DRAIN_MS_MAX = 5_000;
/** Of it, for changes that are under way when the doors are closed. */
export const SETTLE_MS_MAX = 1_000;
/** Of it, for ending the lease, and as much again for closing what connects to others. */
export const LEAVE_MS_MAX = 500;

// --- the database
/** Until a server is found, one that was found is connected to, and one that was asked has answered. */
export const DATABASE_SELECTION_MS_MAX = 2_000;
export const DATABASE_CONNECT_MS_MAX = 2_000;
export const DATABASE_ANSWER_MS_MAX = 10_000;
export const DATABASE_CONNECTIONS_MAX = 16;

// --- the doors
export const HEADER_BYTES_MAX = 16 * 1024;
/** From the connection's first byte to the end of the headers of an HTTP/1.1 request. */
export const HEADERS_MS_MAX = 10_000;
/** A connection that never says which protocol it speaks is closed after this long. */
export const FIRST_BYTE_MS_MAX = 10_000;
/** Until the whole of a request has come; of a stream of requests, none. */
export const REQUEST_RECEIVE_MS_MAX = 60_000;
/** A request to a service that is open to everybody; of any other nothing is taken before it is known whose it is. */
export const REQUEST_UNADMITTED_BYTES_MAX = 16 * 1024;
/**
 * Fields and list elements of one request. A few bytes of each become an object of some hundred: what may be sent would
 * otherwise take seconds and gigabytes to read.
 */
export const REQUEST_ELEMENTS_MAX = 200_000;
/**
 * What is kept of the requests of one user, and of all, that are being received or answered. On the native port a unary
 * request counts once it has come whole: of one that is still coming, @grpc/grpc-js tells nothing.
 */
export const REQUESTS_BYTES_PER_USER_MAX = 128 * 1024 * 1024;
export const REQUESTS_BYTES_MAX = 512 * 1024 * 1024;
/** Streams of services that are open to everybody, in one process. */
export const OPEN_STREAMS_MAX = 10_000;
export const TIMEOUTS_CHECKED_EVERY_MS = 5_000;
/** A request that was answered before it was read whole has this long to end by itself. */
export const UNREAD_REQUEST_MS_MAX = 1_000;
export const KEEP_ALIVE_IDLE_MS_MAX = 60_000;
export const CONNECTIONS_MAX = 25_000;
/**
 * HTTP/2 and WebSocket peers are pinged this often; one that has not answered by the next ping is gone. A TCP connection
 * that is silent for so long is asked for as well, which is all that an HTTP/1.1 peer is asked.
 */
export const PING_EVERY_MS = 30_000;
export const STREAMS_PER_CONNECTION_MAX = 1_000;
/** A stream that has nothing to send yet sends its headers after this long. */
export const STREAM_HEADERS_MS_MAX = 100;
export const STREAM_WINDOW_BYTES = 1024 * 1024;
export const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
export const HTTP2_SESSION_MEGABYTES_MAX = 64;
/**
 * The longest deadline a caller may name (FIELD_INVALID). On the native port @grpc/grpc-js counts a timeout in 32 bits
 * before we see it: one of 2 ** 31 ms, 24 days, or more comes out as another, and mostly is DEADLINE_EXCEEDED at once.
 */
export const CALL_DEADLINE_MS_MAX = 7 * 24 * 60 * 60 * 1000;
export const READINESS_CHECK_MS_MAX = 2_000;
export const EVENTS_SOCKETS_MAX = 1_000;
export const EVENTS_SOCKETS_PER_USER_MAX = 100;
export const EVENTS_SOCKET_MESSAGE_BYTES_MAX = 1_024;
/** A WebSocket whose unsent bytes reach this is waited for; one that does not take them in time is closed. */
export const EVENTS_SOCKET_BUFFER_BYTES_MAX = 1024 * 1024;
export const EVENTS_SOCKET_STALL_MS_MAX = 30_000;

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
