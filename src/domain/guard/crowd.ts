/**
 * How many structs that are in no document yet are in each list, and which neighbours they share. Structs that claim
 * the same place are put in order by looking through all the others that do: a thousand of them cost a million steps.
 */
import { LeanMap } from './lean-map.ts';
import type { Parent, Place } from './placement.ts';
import type { Id, Struct } from './update.ts';

/** Those of one list, or under one key. */
interface List {
  count: number;
  /** Clocks named as left neighbour, by client: nearly always one. */
  readonly origins: LeanMap<number, number | Set<number>>;
  isStartClaimed: boolean;
}

export class Crowd {
  /** What those before it cost, in steps. */
  steps = 0;
  /** Structs of the document that may be split by what is in none yet. */
  splits = 0;
  readonly #behind: Crowd | undefined;
  readonly #lists = new LeanMap<Parent, LeanMap<string | undefined, List>>();

  /** On top of the one behind, which it leaves as it is. */
  constructor(behind?: Crowd) {
    this.#behind = behind;
    this.steps = behind?.steps ?? 0;
    this.splits = behind?.splits ?? 0;
  }

  get isEmpty(): boolean {
    return this.#lists.size === 0 && this.steps === 0 && this.splits === 0;
  }

  /** Counts the struct in. Returns how many others Yjs may look through for it. `inDocument`: those it passes there. */
  enter({ origin }: Struct, { parent, key }: Place, inDocument: number): number {
    const list = this.#list(parent, key);
    const behind = this.#behind && this.#behind.#lists.get(parent)?.get(key);
    const isShared = claims(list, origin) || (behind !== undefined && claims(behind, origin));
    const others = isShared || inDocument > 0 ? list.count + (behind?.count ?? 0) : 0;
    claim(list, origin);
    list.count += 1;
    return others;
  }

  /** Takes in one that was built on this one. */
  absorb(front: Crowd): void {
    this.steps = front.steps;
    this.splits = front.splits;
    front.#lists.forEach((lists, parent) => lists.forEach((list, key) => join(this.#list(parent, key), list)));
  }

  #list(parent: Parent, key: string | undefined): List {
    let lists = this.#lists.get(parent);
    if (!lists) this.#lists.set(parent, (lists = new LeanMap<string | undefined, List>()));
    let list = lists.get(key);
    if (!list) lists.set(key, (list = { count: 0, origins: new LeanMap(), isStartClaimed: false }));
    return list;
  }
}

function join(list: List, other: List): void {
  list.count += other.count;
  if (other.isStartClaimed) list.isStartClaimed = true;
  other.origins.forEach((clocks, client) => {
    if (typeof clocks === 'number') claim(list, { client, clock: clocks });
    else for (const clock of clocks) claim(list, { client, clock });
  });
}

function claims(list: List, origin: Id | undefined): boolean {
  if (!origin) return list.isStartClaimed;
  const clocks = list.origins.get(origin.client);
  return typeof clocks === 'object' ? clocks.has(origin.clock) : clocks === origin.clock;
}

function claim(list: List, origin: Id | undefined): void {
  if (!origin) {
    list.isStartClaimed = true;
    return;
  }
  const { client, clock } = origin;
  const clocks = list.origins.get(client);
  if (typeof clocks === 'object') clocks.add(clock);
  else if (clocks === undefined) list.origins.set(client, clock);
  else if (clocks !== clock) list.origins.set(client, new Set([clocks, clock]));
}
