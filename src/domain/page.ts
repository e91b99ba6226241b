/** One page of a list. `nextPageToken` is empty on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** `pageSize` 0 means the default; `pageToken` empty means the first page. */
export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}
