/** Of requests, their pages and tokens. */

// --- requests and pages
export const REQUEST_BYTES_MAX = 16 * 1024 * 1024;
/**
 * An error's sentence, and each value of its metadata, in bytes of UTF-8: what a caller sent comes back in them, and many
 * clients take 8 KiB of trailers at most, in which each is there twice and encoded.
 */
export const ERROR_MESSAGE_BYTES_MAX = 512;
export const ERROR_VALUE_BYTES_MAX = 512;
export const ID_CHARACTERS_MAX = 64;
export const REQUEST_ID_CHARACTERS_MAX = 128;
export const LABELS_MAX = 64;
export const LABEL_KEY_CHARACTERS_MAX = 64;
export const LABEL_VALUE_CHARACTERS_MAX = 256;
/** Requests kept with a blob's labels, newest last: the repeat of an older one counts as a new request. */
export const LABEL_REQUESTS_KEPT_MAX = 64;
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
/** Versions whose origins are stored as one block. */
export const ORIGINS_BLOCK_VERSIONS = 1_024;
/**
 * Versions of a block that are taken in together: no more small deltas than a room's tail has (ROOM_TAIL_BYTES_MIN), no
 * fewer than a commit may have (FLUSH_DELTAS_MAX).
 */
export const ORIGINS_PIECE_VERSIONS = 256;
/** Of pieces, encoded: half for blocks that wait to be stored, half for those that are not whole yet. */
export const ORIGINS_PIECES_BYTES_MAX = 8 * 1024 * 1024;
/** Blocks read at once. */
export const ORIGINS_PAGE_BLOCKS = 32;
/** Pieces, and blocks, that wait to be made after their last commit; what is beyond is made when it is asked for. */
export const ORIGINS_WAITING_MAX = 1_000;
/** Versions of all blobs together whose origins are kept in memory: some 40 bytes each. */
export const ORIGINS_CACHED_VERSIONS_MAX = 1_000_000;
/** Attributed ranges of all contents together that are kept for their next page. */
export const ATTRIBUTED_RANGES_CACHED_MAX = 250_000;
/** Ids in one `$in`; larger sets are read in slices of this size. */
export const IN_LIST_IDS_MAX = 100;

// --- tokens
/** RFC 7518, 3.2: a key of HS256 has at least as many bits as its hash. A shorter one is found by trying. */
export const JWT_SECRET_BYTES_MIN = 32;
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
