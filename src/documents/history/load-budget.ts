/** G7: what is read for one document may take so many bytes, and so much time to work on. */
import { StudioError } from '../../errors.ts';
import { KEPT_BYTES_MAX, LOAD_BYTES_MAX, LOAD_MS_MAX } from '../../limits.ts';
import { BrokenHistory } from '../log/quarantine.ts';

export class TooMuchToLoad extends BrokenHistory {}

export class LoadBudget {
  #bytes: number;
  #ms = LOAD_MS_MAX;
  readonly #tooMany: () => Error;

  /** `tooMany`: what is thrown where it takes more than `bytes`. Default: that the blob is broken. */
  constructor(bytes = LOAD_BYTES_MAX, tooMany = () => new TooMuchToLoad(`it takes more than ${bytes} bytes to load`)) {
    this.#bytes = bytes;
    this.#tooMany = tooMany;
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) throw this.#tooMany();
  }

  /** A slow database is no fault of the blob. */
  work(step: () => void): void {
    const began = performance.now();
    step();
    this.#ms -= performance.now() - began;
    if (this.#ms < 0) throw new TooMuchToLoad(`it takes more than ${LOAD_MS_MAX} ms of work to load`);
  }
}

/** For a document of the past, what was deleted after version `keptFrom` included, if it is given. */
export function pastBudget(version: number, keptFrom: number | undefined, keptBytesMax = KEPT_BYTES_MAX): LoadBudget {
  const limit = keptFrom === undefined ? 'LOAD_BYTES_MAX' : 'KEPT_BYTES_MAX';
  const bytes = keptFrom === undefined ? LOAD_BYTES_MAX : keptBytesMax;
  const what = keptFrom === undefined ? '' : ` with what was deleted after version ${keptFrom}`;
  const tooMany = (): Error =>
    new StudioError('LIMIT_EXCEEDED', `It takes more than ${bytes} bytes to make version ${version}${what}.`, {
      limit,
      version: String(version),
    });
  return new LoadBudget(bytes, tooMany);
}
