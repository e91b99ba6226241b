/** One editor's updates that are not durable yet. */

/** One of them. */
export interface Push {
  /** Updates that are acknowledged with it. */
  readonly owed: number;
  readonly bytes: number;
  /** Pushes of one generation are waited for together. */
  readonly generation: number;
}

export class PendingPushes {
  #count = 0;
  #generation = 0;
  /** Pushes from before that generation are owed nothing any more. */
  #owedFrom = 0;
  #waiters: { readonly generation: number; left: number; readonly run: () => void }[] | undefined;
  #isAwaited = false;
  #newest: (() => void) | undefined;

  get count(): number {
    return this.#count;
  }

  /** Returns that of the pushes begun from here on. */
  nextGeneration(): number {
    this.#generation += 1;
    return this.#generation;
  }

  /** For those begun so far; an editor that counts anew does not count them. */
  oweNothing(): void {
    this.#owedFrom = this.nextGeneration();
  }

  owed({ owed, generation }: Push): number {
    return generation < this.#owedFrom ? 0 : owed;
  }

  begin(owed: number, bytes: number): Push {
    this.#count += 1;
    return { owed, bytes, generation: this.#generation };
  }

  settled({ generation }: Push): void {
    this.#count -= 1;
    if (!this.#waiters) return;
    // They settle nearly in order, but a refused one may overtake: so each waiter counts those that came before it.
    for (const waiter of this.#waiters) if (generation <= waiter.generation) waiter.left -= 1;
    const due = this.#waiters.filter(({ left }) => left === 0);
    this.#waiters = due.length === this.#waiters.length ? undefined : this.#waiters.filter(({ left }) => left > 0);
    for (const { run } of due) run();
  }

  /** Once everything begun so far has settled: at once, if it has. */
  whenSettled(run: () => void): void {
    if (this.#count === 0) {
      run();
      return;
    }
    this.#waiters ??= [];
    this.#waiters.push({ generation: this.#generation, left: this.#count, run });
    this.nextGeneration();
  }

  /**
   * The same, but of those that come while one waits only the newest is run (G7). It waits in its turn, behind that one:
   * put in its place, it would put off for ever what comes often.
   */
  newestWhenSettled(run: () => void): void {
    if (this.#isAwaited) {
      this.#newest = run;
      return;
    }
    this.#isAwaited = true;
    this.whenSettled(() => {
      this.#isAwaited = false;
      const next = this.#newest;
      this.#newest = undefined;
      run();
      if (next) this.newestWhenSettled(next);
    });
  }
}
