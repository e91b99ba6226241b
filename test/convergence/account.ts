/** What the clients of one round were promised, and what they saw. */
import { Tokens } from '../campaign/ledger.ts';
import type { RoundKind } from './kinds.ts';

export class Account {
  readonly tokens: Tokens;
  /** Tokens that must be there at the end, unless somebody deleted them. */
  readonly due = new Set<string>();
  readonly deleted = new Set<string>();
  /** Of those who left before they were answered. */
  readonly perhapsDeleted = new Set<string>();
  /** Each acknowledged request: the delta that its answer named. */
  readonly acknowledged: { readonly requestId: string; readonly deltaId: string; readonly version: number }[] = [];
  /** Each acknowledged push of a Yjs client. */
  readonly pushed: { readonly version: number; readonly update: Uint8Array; readonly by: string }[] = [];
  /** By version: what some client read then. */
  readonly readings = new Map<number, string>();
  /** How it ended: the canonical content, and how many deltas it took. */
  head = '';
  versions = 0;
  /** What went wrong on the way; each is a failure of the round. */
  readonly problems: string[] = [];
  readonly counts = new Map<string, number>();
  /** What a process was asked for and is still about, whether or not anybody waits for it. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(kind: RoundKind) {
    this.tokens = new Tokens(kind.accounted ?? 'character');
  }

  /** Two clients that read one version must have read the same. */
  read(version: number, content: string): void {
    const before = this.readings.get(version);
    if (before !== undefined && before !== content) this.problems.push(`version ${version} was read in two ways`);
    this.readings.set(version, content);
  }

  follow<T>(asked: Promise<T>): Promise<T> {
    const done = asked.catch(() => undefined).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
    return asked;
  }

  async allDone(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
