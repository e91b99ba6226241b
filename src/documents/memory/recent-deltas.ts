/** The newest deltas of a blob, without a hole: what advances bases and answers for predecessors without the log. */
import { bytesOfDelta, type Delta } from '../../domain/delta.ts';
import { ROOM_TAIL_DELTAS_MAX, ROOM_TAIL_IDLE_DELTAS_MAX } from '../../limits.ts';

/** Measured: what a delta takes beside its bytes. */
const DELTA_BYTES = 640;

export class RecentDeltas {
  /** Those before #first were let go: they are taken out many at once, since that moves all the others. */
  readonly #deltas: (Delta | undefined)[] = [];
  #first = 0;
  #bytes = 0;

  /** About what they take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get newest(): Delta | undefined {
    return this.#deltas.at(-1);
  }

  push(delta: Delta): void {
    const newest = this.newest;
    // Versions are found by counting from the first.
    if (newest && newest.toVersion + 1 !== delta.toVersion) this.clear();
    this.#deltas.push(delta);
    this.#bytes += DELTA_BYTES + bytesOfDelta(delta);
  }

  /** Deltas come next that are not put in here. */
  clear(): void {
    this.#deltas.length = 0;
    this.#first = 0;
    this.#bytes = 0;
  }

  /** Deltas first..last if all of them are still here. */
  range(first: number, last: number): readonly Delta[] | undefined {
    const start = this.#deltas[this.#first]?.toVersion;
    if (start === undefined || first < start || last > (this.newest?.toVersion ?? 0)) return undefined;
    const at = this.#first + first - start;
    return this.#deltas.slice(at, at + last - first + 1) as Delta[];
  }

  byId(id: string): Delta | undefined {
    return this.#deltas.findLast((delta) => delta?.id === id);
  }

  /** Lets go of the oldest beyond the limits. The newest stays. */
  trim(bytesMax: number): void {
    this.#trim(ROOM_TAIL_DELTAS_MAX, bytesMax);
  }

  /** For a room that nobody writes to at the moment. `keep` is called before anything is let go of. */
  relax(keep: () => void): void {
    if (this.#deltas.length - this.#first <= ROOM_TAIL_IDLE_DELTAS_MAX) return;
    keep();
    this.#trim(ROOM_TAIL_IDLE_DELTAS_MAX, Infinity);
  }

  #trim(deltasMax: number, bytesMax: number): void {
    for (let left = this.#deltas.length - this.#first; left > 1; left--) {
      if (left <= deltasMax && this.#bytes <= bytesMax) break;
      const oldest = this.#deltas[this.#first];
      if (oldest) this.#bytes -= DELTA_BYTES + bytesOfDelta(oldest);
      this.#deltas[this.#first++] = undefined;
    }
    if (this.#first < this.#deltas.length / 2) return;
    this.#deltas.splice(0, this.#first);
    this.#first = 0;
  }
}
