/** Of content, and of raw updates that make it. */

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
/** Characters of stretches without a common line, or word, that are looked at by less; beyond it likewise. */
export const DIFFERENCE_CUT_CHARACTERS_MAX = 2_000_000;
/** What finding moved units in a merge may cost; beyond it a unit that moved and changed may be taken for another. */
export const MOVE_COMPARISONS_MAX = 8_000_000;
/**
 * Characters of units that both sides of a merge changed, all sides together, that are compared by what they say; beyond
 * it units are known by their place, and of those that both changed people's stays whole.
 */
export const MERGE_CHARACTERS_MAX = 1_000_000;
/** Such units, counted on each side; beyond it people's stay as they are, and what was moved is not looked for. */
export const MERGE_UNITS_MAX = 300_000;
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
/**
 * Calls whose updates wait for such a thread, beyond which more are refused with LIMIT_EXCEEDED; users take turns. An
 * editor's updates wait however many there are: one of each session at a time.
 */
export const TRIALS_WAITING_MAX = 256;
export const TRIALS_WAITING_PER_USER_MAX = 64;
/** Looked at between steps; V8's own limit is far above, as for STATE_THREAD_HEAP_MEGABYTES_MAX. */
export const TRIAL_MEMORY_MB_MAX = 512;
export const TRIAL_MEMORY_MB_HARD = 2_048;
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
