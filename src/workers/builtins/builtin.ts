/** A provider that ships with the studio: a pure function from text to text, fast enough to run inside a worker. */
export interface Builtin {
  readonly name: string;
  /** Content types it can take, exact or `text/*`. */
  readonly supportedTypes: readonly string[];
  readonly outputType: string;
  run(text: string): string | Promise<string>;
}
