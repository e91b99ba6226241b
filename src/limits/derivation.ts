/** Of providers and their runs. */
import { CONTENT_BYTES_MAX } from './content.ts';

export const LINEAGE_DEPTH_MAX = 32;
/** Blobs of one owner in one DAG that are planned for at once, and blobs of a DAG that is shown. Deleted ones don't count. */
export const DAG_NODES_MAX = 10_000;
/** Of a DAG that is larger: blobs looked at for those to show, of the caller, of the owner, and of all, in this order. */
export const DAG_SCANNED_BLOBS_MAX = 20_000;
export const DAG_PAGE_BLOBS = 2_000;
/** A DAG that is over its size is logged at most this often by a process. */
export const DAG_FULL_LOG_EVERY_MS = 60_000;
export const PROVIDERS_PER_USER_MAX = 200;
export const TRIGGER_PATTERNS_MAX = 32;
export const PATTERN_CHARACTERS_MAX = 1_024;
/** Steps of the patterns of one provider, and of those of one schema, repeats written out: about 2 µs and 200 bytes each. */
export const PATTERN_STEPS_MAX = 10_000;
export const SCHEMA_BYTES_MAX = 64 * 1024;
/** Objects and arrays of a schema in each other. */
export const SCHEMA_DEPTH_MAX = 128;
export const CONFIG_BYTES_MAX = 64 * 1024;
export const PROVIDER_TIMEOUT_MS_DEFAULT = 30_000;
export const PROVIDER_TIMEOUT_MS_MAX = 10 * 60 * 1000;
export const PROVIDER_INPUT_BYTES_MAX = CONTENT_BYTES_MAX;
export const PROVIDER_ATTEMPTS = 3;
export const PROVIDER_BACKOFF_COEFFICIENT = 2;
export const EXECUTION_LEASE_MS = 60_000;
export const RECONCILE_EVERY_MS = 30_000;
/** Events held until their signal is in Temporal. Many, because those of one root and owner share a signal. */
export const DISPATCH_IN_FLIGHT_MAX = 256;
/** Signals of one root and owner are at least this far apart. */
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
/** Of a run that no worker took: a quarter of the time since it began, at most this, before it is put into the queue again. */
export const PROVIDER_AWAY_MS_MAX = 60_000;
/** Compiled schemas kept by a worker's thread. */
export const SCHEMAS_COMPILED_MAX = 128;
/** One content against one schema, or against a provider's patterns; over it the thread is ended, and the run fails. */
export const CONTENT_CHECK_MS_MAX = 3_000;
export const CONTENT_CHECKS_WAITING_MAX = 256;
export const CONTENT_THREAD_START_MS_MAX = 30_000;
export const CONTENT_THREAD_IDLE_MS_MAX = 10_000;
/** Looked at after each check; V8's own limit is far above, as for STATE_THREAD_HEAP_MEGABYTES_MAX. */
export const CONTENT_THREAD_HEAP_MEGABYTES_MAX = 256;
export const CONTENT_THREAD_HEAP_MEGABYTES_HARD = 4_096;
/** Between the clocks of two processes: so much older than a provider, a blob may have come after it. */
export const CLOCKS_APART_MS_MAX = 2_000;
/** Runs closed at once by a workflow that ends. */
export const LEFTOVER_RUNS_MAX = 1_000;
export const CLAIM_RACES_MAX = 16;
/** Before a run that ended for a reason that may be over is started over by itself: whatever goes wrong, no hot loop. */
export const START_OVER_MS = 1_000;
/** Runs one plan starts; the next plan starts the rest. */
export const PLAN_RUNS_MAX = 64;
/** Of these, attempts of providers that are not built in; one provider takes at most half of what others leave of them. */
export const PLAN_ATTEMPTS_MAX = 48;
/** A plan that takes longer ends there, and the next goes on where it ended: well below LOCAL_STEP_MS_MAX. */
export const PLAN_MS_MAX = 15_000;
/** Roots of which a process remembers where their plans ended; of others they begin anew. */
export const PLAN_ROUNDS_REMEMBERED_MAX = 1_000;
/** Pairs of a blob and a provider that a plan looks at before others have their turn. */
export const PLAN_PAIRS_MAX = 5_000;
/** Built-ins one local activity runs one after the other. */
export const BUILTIN_BATCH_RUNS_MAX = 16;
/** Events in one workflow's history before it continues as new. */
export const PROPAGATION_HISTORY_EVENTS_MAX = 2_000;
export const LOCAL_STEP_MS_MAX = 60_000;
/** A batch of built-ins, each over at most BUILTIN_INPUT_BYTES_MAX. */
export const BUILTIN_STEP_MS_MAX = 5 * 60 * 1000;
/** Before looking again for a child workflow of an earlier attempt to end. */
export const CHILD_BUSY_MS = 1_000;
/** Each look doubles the pause before the next, up to this. */
export const CHILD_BUSY_MS_MAX = 30_000;
export const STEP_RETRY_MS_MAX = 10_000;
/** Of one output, about 40 seconds: then a fault of the studio's ends the run, and what may pass puts it off. */
export const COMMIT_TRIES_MAX = 10;
/** How long Temporal waits for a worker that took a workflow task and died. */
export const WORKFLOW_TASK_MS_MAX = 5_000;
export const TEMPORAL_CALL_MS_MAX = 5_000;
/** A worker that fails is started again after this long, then after twice as long each time, up to the second. */
export const TEMPORAL_RETRY_MS_MIN = 250;
export const TEMPORAL_RETRY_MS_MAX = 5_000;
/** How long a worker waits for Temporal before it counts as started all the same. */
export const WORKER_READY_MS_MAX = 15_000;
export const WORKFLOW_TASKS_IN_FLIGHT_MAX = 20;
export const LOCAL_STEPS_IN_FLIGHT_MAX = 20;
export const WORKFLOWS_CACHED_MAX = 200;
/** The reconciler looks back this far behind its mark: a head may be healed late. */
export const RECONCILE_OVERLAP_MS = 2 * 60 * 1000;
export const RECONCILE_PAGE_HEADS = 500;
/** Heads that a reconciler need not look at again, as long as they don't change. */
export const RECONCILE_HEADS_REMEMBERED_MAX = 50_000;
/** Roots with something left to do that a reconciler keeps in mind; of more it finds the rest by when they changed. */
export const RECONCILE_ROOTS_WAITING_MAX = 10_000;
/** How far a reconciler that is started looks back for what waits: a debounce lasts an hour at most, and the run has another. */
export const RECONCILE_WAITS_MS_MAX = 2 * DEBOUNCE_MS_MAX;
