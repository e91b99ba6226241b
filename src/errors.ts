/**
 * The closed set of reasons a call can fail for, each with the one gRPC code it travels under.
 * `proto/memmie/studio/v1/error.proto` lists the same names (a test holds the two together).
 */
export const REASON_CODES = {
  // Who is calling
  TOKEN_MISSING: 'unauthenticated',
  TOKEN_INVALID: 'unauthenticated',
  TOKEN_EXPIRED: 'unauthenticated',
  ACCESS_DENIED: 'permission_denied',
  // What is being named. A blob, delta, provider or execution of somebody else reads as not found.
  BLOB_NOT_FOUND: 'not_found',
  VERSION_NOT_FOUND: 'not_found',
  VERSION_THINNED: 'not_found',
  DELTA_NOT_FOUND: 'not_found',
  PROVIDER_NOT_FOUND: 'not_found',
  EXECUTION_NOT_FOUND: 'not_found',
  PARENT_NOT_FOUND: 'not_found',
  BLOB_ALREADY_EXISTS: 'already_exists',
  VERSION_NAME_TAKEN: 'already_exists',
  PROVIDER_ALREADY_EXISTS: 'already_exists',
  BLOB_DELETED: 'failed_precondition',
  BLOB_QUARANTINED: 'data_loss',
  LAST_OWNER: 'failed_precondition',
  ETAG_MISMATCH: 'aborted',
  // The request itself
  FIELD_INVALID: 'invalid_argument',
  PAGE_TOKEN_INVALID: 'invalid_argument',
  CURSOR_INVALID: 'invalid_argument',
  CONTENT_TYPE_UNSUPPORTED: 'invalid_argument',
  CONTENT_FORMAT_UNSUPPORTED: 'invalid_argument',
  CONTENT_INVALID: 'invalid_argument',
  CONTENT_TOO_LARGE: 'resource_exhausted',
  LIMIT_EXCEEDED: 'resource_exhausted',
  // An edit and its base
  PATCH_UNSUPPORTED: 'invalid_argument',
  EDIT_OUT_OF_RANGE: 'out_of_range',
  EDIT_SPLITS_CHARACTER: 'invalid_argument',
  BASE_VERSION_UNKNOWN: 'out_of_range',
  PREVIOUS_DELTA_UNKNOWN: 'not_found',
  PREVIOUS_DELTA_FOREIGN: 'permission_denied',
  CHAIN_TOO_LONG: 'resource_exhausted',
  // A raw Yjs update
  UPDATE_MALFORMED: 'invalid_argument',
  UPDATE_TOO_COMPLEX: 'resource_exhausted',
  UPDATE_DEPENDS_ON_MISSING: 'failed_precondition',
  UPDATE_DELETES_UNKNOWN: 'failed_precondition',
  UPDATE_ROOT_FORBIDDEN: 'invalid_argument',
  UPDATE_CONTENT_FORBIDDEN: 'invalid_argument',
  CLIENT_ID_FOREIGN: 'permission_denied',
  CLIENT_ID_REUSED: 'failed_precondition',
  // Providers
  SCHEMA_INVALID: 'invalid_argument',
  PATTERN_INVALID: 'invalid_argument',
  PROVIDER_INVALID: 'invalid_argument',
  WORKFLOW_FORBIDDEN: 'permission_denied',
  PROVIDER_INPUT_UNSUPPORTED: 'failed_precondition',
  LINEAGE_LIMIT: 'failed_precondition',
  // The studio itself
  STORAGE_UNAVAILABLE: 'unavailable',
  EVENTS_UNAVAILABLE: 'unavailable',
  IDENTITY_UNAVAILABLE: 'unavailable',
  WORKFLOWS_UNAVAILABLE: 'unavailable',
  DRAINING: 'unavailable',
  DEADLINE_EXCEEDED: 'deadline_exceeded',
  CANCELLED: 'canceled',
  NOT_IMPLEMENTED: 'unimplemented',
  INTERNAL: 'internal',
} as const;

export type Reason = keyof typeof REASON_CODES;
export type Code = (typeof REASON_CODES)[Reason];

/** An error a caller can act on: a reason from the closed set, one clear sentence, and the values it speaks of. */
export class StudioError extends Error {
  override readonly name = 'StudioError';
  readonly reason: Reason;
  /** Values for machines (`field`, `limit`, `blob_id`, `missing`, …); never secrets, never content. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    reason: Reason,
    message: string,
    metadata: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.metadata = metadata;
  }

  get code(): Code {
    return REASON_CODES[this.reason];
  }

  /** What reaches the caller for anything thrown: its own StudioError, or INTERNAL without the inner text. */
  static from(error: unknown): StudioError {
    if (error instanceof StudioError) return error;
    return new StudioError(
      'INTERNAL',
      'The studio failed in a way it should not; the log has the cause.',
      {},
      { cause: error },
    );
  }
}

/** A setting is missing, or is not what it must be: one sentence for who started the process. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}
