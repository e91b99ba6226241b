/**
 * Deltas as a person would tell them. An author's stint is a run of their own deltas without a long pause; stints that
 * overlap (people typing at once) are one group, stints that follow each other are one group each. So live typing by two
 * gives one group and not one per keystroke, while a hand-over shows.
 */
import { VERSION_GROUP_DELTAS_MAX, VERSION_GROUP_PAUSE_MS } from '../limits.ts';
import type { Delta, Operation } from './delta.ts';

/** What of a delta says where it belongs. */
export type GroupedDelta = Pick<Delta, 'toVersion' | 'userId' | 'providerId' | 'operation' | 'appliedAt'>;

export interface GroupAuthor {
  readonly userId: string;
  readonly providerId?: string;
  readonly deltaCount: number;
  readonly lastVersion: number;
}

/** Versions firstVersion..version. */
export interface VersionGroup {
  readonly version: number;
  readonly firstVersion: number;
  readonly deltaCount: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** The author of the last version first. */
  readonly authors: readonly GroupAuthor[];
  /** What the last version did first. */
  readonly operations: readonly Operation[];
  /** Of the last version. */
  readonly name?: string;
}

interface OpenGroup {
  version: number;
  firstVersion: number;
  deltaCount: number;
  startedAt: Date;
  endedAt: Date;
  authors: Map<string, { userId: string; providerId?: string; deltaCount: number; lastVersion: number }>;
  operations: Set<Operation>;
  chosen: boolean;
}

export class VersionGrouping {
  readonly #names: ReadonlyMap<number, string>;
  readonly #chooses: (delta: GroupedDelta) => boolean;
  /** Newest first. */
  readonly #groups: OpenGroup[] = [];
  /** How many of them nothing older can join. */
  #closed = 0;
  #previous: GroupedDelta | undefined;
  /** Author → their oldest delta since the last break. */
  readonly #stints = new Map<string, GroupedDelta>();

  /** `chooses`: a group counts as chosen if this is true of one of its deltas. */
  constructor(names: ReadonlyMap<number, string>, chooses: (delta: GroupedDelta) => boolean = () => true) {
    this.#names = names;
    this.#chooses = chooses;
  }

  /** Takes the deltas newest first. */
  add(delta: GroupedDelta): void {
    const author = authorKey(delta);
    if (this.#previous && this.#breaksBelow(this.#previous, delta)) {
      this.#closed = this.#groups.length;
      this.#stints.clear();
    }
    const stint = this.#stints.get(author);
    const group = emptyGroup(delta, this.#chooses(delta));
    const joins = stint && stint.appliedAt.getTime() - delta.appliedAt.getTime() <= VERSION_GROUP_PAUSE_MS;
    // The author was at it already in a newer group: it and all that began since then are one.
    while (joins && this.#groups.length > this.#closed) {
      const newer = this.#groups.at(-1);
      if (!newer) break;
      this.#groups.pop();
      mergeInto(group, newer);
      if (newer.version >= stint.toVersion) break;
    }
    this.#groups.push(group);
    this.#stints.set(author, delta);
    this.#previous = delta;
    this.#closeByPause(delta);
  }

  /** Nothing older follows. */
  end(): void {
    this.#closed = this.#groups.length;
  }

  /** Groups that are whole, newest first. */
  closed(): { readonly group: VersionGroup; readonly chosen: boolean }[] {
    return this.#groups
      .slice(0, this.#closed)
      .map((group) => ({ group: finished(group, this.#names.get(group.version)), chosen: group.chosen }));
  }

  get closedCount(): number {
    return this.#closed;
  }

  #breaksBelow(newer: GroupedDelta, older: GroupedDelta): boolean {
    return (
      // What retention dropped is a break too.
      older.toVersion !== newer.toVersion - 1 ||
      !isRunning(newer.operation) ||
      !isRunning(older.operation) ||
      newer.appliedAt.getTime() - older.appliedAt.getTime() > VERSION_GROUP_PAUSE_MS ||
      this.#names.has(older.toVersion) ||
      // By number, so that where a very long run is cut does not depend on where a page starts.
      older.toVersion % VERSION_GROUP_DELTAS_MAX === 0
    );
  }

  /** A group whose start lies further back than a pause can't be joined by anything older. */
  #closeByPause(oldest: GroupedDelta): void {
    const horizon = oldest.appliedAt.getTime() + VERSION_GROUP_PAUSE_MS;
    while (this.#closed < this.#groups.length - 1) {
      const next = this.#groups[this.#closed];
      if (!next || next.startedAt.getTime() <= horizon) return;
      this.#closed += 1;
    }
  }
}

function isRunning(operation: Operation): boolean {
  return operation === 'update' || operation === 'transform';
}

function authorKey(delta: GroupedDelta): string {
  return `${delta.userId}\n${delta.providerId ?? ''}`;
}

function emptyGroup(delta: GroupedDelta, chosen: boolean): OpenGroup {
  const { userId, providerId, toVersion, appliedAt, operation } = delta;
  return {
    version: toVersion,
    firstVersion: toVersion,
    deltaCount: 1,
    startedAt: appliedAt,
    endedAt: appliedAt,
    authors: new Map([[authorKey(delta), { userId, providerId, deltaCount: 1, lastVersion: toVersion }]]),
    operations: new Set([operation]),
    chosen,
  };
}

/** `older` comes to hold both. */
function mergeInto(older: OpenGroup, newer: OpenGroup): void {
  const authors = newer.authors;
  for (const [key, author] of older.authors) {
    const known = authors.get(key);
    if (known) known.deltaCount += author.deltaCount;
    else authors.set(key, author);
  }
  older.authors = authors;
  for (const operation of older.operations) newer.operations.add(operation);
  older.operations = newer.operations;
  older.version = newer.version;
  older.endedAt = newer.endedAt;
  older.deltaCount += newer.deltaCount;
  older.chosen ||= newer.chosen;
}

function finished(group: OpenGroup, name: string | undefined): VersionGroup {
  const authors = [...group.authors.values()].sort((a, b) => b.lastVersion - a.lastVersion);
  const { version, firstVersion, deltaCount, startedAt, endedAt } = group;
  return { version, firstVersion, deltaCount, startedAt, endedAt, authors, operations: [...group.operations], name };
}
