/** Compares the stored states and runs of a blob with the log as it is played again. */
import { setImmediate } from 'node:timers/promises';
import type { Delta } from '../../domain/delta.ts';
import type { CheckpointIndex, Checkpoints, Entry, RunEntry, StateEntry } from '../../storage/checkpoints.ts';
import { decodeState, encodeRun, runOf, type StoredState } from '../log/checkpoint-codec.ts';
import { checkState } from '../checkpoints/state-builder.ts';
import { digestOf } from '../checkpoints/state-digest.ts';
import type { Report } from './difference.ts';
import type { LogReplay } from './log-replay.ts';

export class CheckpointAudit {
  readonly #blobId: string;
  readonly #checkpoints: Checkpoints;
  readonly #report: Report;
  readonly #states: StateEntry[];
  readonly #runs: RunEntry[];
  /** Runs the replay is in, with the deltas it has seen of each. */
  readonly #open = new Map<RunEntry, Delta[]>();
  /** What a repair removes. */
  readonly wrong: Entry[] = [];

  constructor(blobId: string, index: CheckpointIndex, checkpoints: Checkpoints, report: Report) {
    this.#blobId = blobId;
    this.#checkpoints = checkpoints;
    this.#report = report;
    this.#states = [...index.states];
    this.#runs = [...index.runs];
  }

  /** The version at which the replay must stop next, to be compared. */
  get nextVersion(): number {
    return this.#states[0]?.version ?? Infinity;
  }

  async read(entry: StateEntry): Promise<StoredState | undefined> {
    const bytes = (await this.#checkpoints.read(this.#blobId, [entry])).get(entry);
    return bytes && decodeState(bytes);
  }

  async add(delta: Delta): Promise<void> {
    for (let next = this.#runs[0]; next && next.first <= delta.toVersion; next = this.#runs[0]) {
      this.#runs.shift();
      if (next.first === delta.toVersion) this.#open.set(next, []);
      else this.#fail(next, 'covers deltas that the log does not have');
    }
    for (const [run, deltas] of this.#open) {
      deltas.push(delta);
      if (delta.toVersion === run.last) {
        this.#open.delete(run);
        await this.#compareRun(run, deltas);
      }
    }
  }

  async #compareRun(run: RunEntry, deltas: readonly Delta[]): Promise<void> {
    const stored = (await this.#checkpoints.read(this.#blobId, [run])).get(run);
    if (!stored) this.#fail(run, 'is missing, or its bytes are not what its hash says');
    else if (!Buffer.from(encodeRun(runOf(deltas))).equals(stored)) this.#fail(run, 'differs from the log');
  }

  /** The replay is at `nextVersion`, everything applied. */
  async compareStates(replay: LogReplay): Promise<void> {
    while (this.#states[0]?.version === replay.version) {
      const entry = this.#states.shift() as StateEntry;
      const bytes = (await this.#checkpoints.read(this.#blobId, [entry])).get(entry);
      if (!bytes) {
        this.#fail(entry, 'is missing, or its bytes are not what its hash says');
        continue;
      }
      try {
        const digest = digestOf(replay.doc, replay.contentType);
        const differences = await checkState({ state: bytes, contentType: replay.contentType, digest }, setImmediate);
        const { origin, facts, owners } = decodeState(bytes);
        if (!isSame(origin, replay.origin) || !isSame(facts, replay.facts)) differences.push('facts of the head');
        if (!isSame(inOrder(owners), inOrder(replay.owners))) differences.push('owners of client ids');
        if (differences.length > 0) this.#fail(entry, `has another ${differences.join(', ')} than the log`);
      } catch (error) {
        this.#fail(entry, `can't be loaded: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** A range was dropped: what lies in it is not compared, and should be gone. */
  skip(first: number, last: number): void {
    while ((this.#states[0]?.version ?? Infinity) < last) {
      const state = this.#states.shift() as StateEntry;
      if (state.version >= first) this.#report('checkpoint', `state ${state.version} lies in a dropped range`, 'note');
    }
    while ((this.#runs[0]?.first ?? Infinity) <= last) {
      const run = this.#runs.shift() as RunEntry;
      this.#report('checkpoint', `run ${run.first}..${run.last} reaches into a dropped range`, 'note');
    }
    this.#open.clear();
  }

  /** The replay is at the end of the log: what was not reached. */
  *beyond(): Generator<string> {
    for (const state of this.#states) yield nameOf(state);
    for (const run of [...this.#open.keys(), ...this.#runs]) yield nameOf(run);
  }

  #fail(entry: Entry, problem: string): void {
    this.wrong.push(entry);
    this.#report('checkpoint', `${nameOf(entry)} ${problem}`);
  }
}

function nameOf(entry: Entry): string {
  return 'version' in entry ? `state ${entry.version}` : `run ${entry.first}..${entry.last}`;
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

/** Keys in order, so that what two ways of storing made of one object compares equal. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function inOrder(owners: ReadonlyMap<number, string>): [number, string][] {
  return [...owners].sort(([a], [b]) => a - b);
}
