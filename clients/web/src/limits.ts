/** Bounds of the client. Units come last. */

/** Own edits kept one by one, if they are several; more are found later as the difference to what the studio has. */
export const UNSENT_UPDATES_MAX = 1_000;
export const UNSENT_BYTES_MAX = 1024 * 1024;
/** Merging updates takes time that grows with the square of their number. */
export const UPDATES_PER_PUSH_MAX = 128;
/** What the studio takes as one update (UPDATE_TOO_COMPLEX). */
export const PUSH_BYTES_MAX = 8 * 1024 * 1024;
/** The studio answers within 15 s, if only with STORAGE_UNAVAILABLE. */
export const PUSH_MS_MAX = 20_000;
/** What the studio takes of one client's presence, as y-protocols encodes it. */
export const AWARENESS_BYTES_MAX = 64 * 1024;
/** An edit without an answer for so long is said to wait; one that is stored at once has it in much less. */
export const UNANSWERED_MS_MAX = 2_000;
/** The studio says something every 12 s. */
export const SILENCE_MS_MAX = 30_000;
export const SILENCE_CHECK_MS = 5_000;
export const RETRY_MS = 200;
export const RETRY_MS_MAX = 15_000;
/** A connection that held for so long was a good one: the next pause is a short one again. */
export const STABLE_MS = 5_000;
/** In a row, before a document is given up. */
export const TOKENS_REFUSED_MAX = 2;
export const MISSING_ASKS_MAX = 3;
