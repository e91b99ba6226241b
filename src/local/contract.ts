/** The three servers the studio stands on, as one machine runs them. */
export type PartName = 'mongodb' | 'nats' | 'temporal';

export interface PartOptions {
  /** The part keeps its data in `<dataDir>/<name>`; `<dataDir>` is locked while any of its parts runs. */
  readonly dataDir: string;
  readonly partsDir: string;
  readonly searchPath: string;
  /** Absent: a free one. A part killed and started again is given its old one. */
  readonly port?: number;
  /** Of Temporal, which makes it if it has none of that name. Absent: `default`. */
  readonly namespace?: string;
  readonly onProgress?: (line: string) => void;
}

export interface Part {
  readonly name: PartName;
  /** What a client connects to: `mongodb://…`, `nats://…`, `host:port`. */
  readonly url: string;
  readonly port: number;
  readonly version: string;
  readonly origin: 'environment' | 'path' | 'wheel';
  /** The program; empty for one that the environment named. */
  readonly command: string;
  readonly pid: number;
  /** Resolves when the process is gone, whoever ended it. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM, then SIGKILL after a bound. */
  stop(): Promise<void>;
  /** SIGKILL to its process group, at once. */
  kill(): void;
}
