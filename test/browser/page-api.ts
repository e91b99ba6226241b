/** What a test may ask a page. */
export interface PageApi {
  /** Whatever the page's provider calls so. */
  synced(): boolean;
  connected(): boolean;
  /** What the editor holds. */
  text(): string;
  /** The Yjs state, byte by byte. */
  state(): number[];
  /** Names of the others whose cursors the page knows. */
  others(): string[];
}
