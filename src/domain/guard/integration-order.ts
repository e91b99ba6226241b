/**
 * Goes through the new structs of an update in an order in which Yjs can integrate them, and finds for each the type it
 * is in. What can't be reached depends on something missing, or on itself.
 */
import type { Shape } from '../content/shape.ts';
import type { Crowd } from './crowd.ts';
import { indexHolding, type Known } from './known.ts';
import { LeanMap } from './lean-map.ts';
import { GONE, GONE_PLACE, type Parents, type Place } from './placement.ts';
import { ListOrder } from './list-order.ts';
import { malformed, type Missing } from './refusals.ts';
import { checkContent, checkRoot } from './rules.ts';
import { type Id, Ref, type Section, type Struct } from './update.ts';

interface Track {
  readonly section: Section;
  next: number;
  /** The first clock not placed yet. */
  clock: number;
  /** Tracks that can go on when this one has passed a clock, if there are any. */
  waiting: { readonly track: Track; readonly after: number }[] | undefined;
}

export class IntegrationOrder {
  readonly #shape: Shape;
  readonly #known: Known;
  readonly #parents: Parents;
  readonly #tracks = new LeanMap<number, Track>();
  readonly #missing: Missing;
  readonly #order: ListOrder;

  constructor(options: {
    readonly shape: Shape;
    readonly known: Known;
    readonly parents: Parents;
    readonly missing: Missing;
    /** Undefined: what integrating it costs was found out by a trial. */
    readonly crowd: Crowd | undefined;
  }) {
    this.#shape = options.shape;
    this.#known = options.known;
    this.#parents = options.parents;
    this.#missing = options.missing;
    this.#order = new ListOrder({
      find: (id) => this.#freshAt(id) ?? this.#known.find(id.client, id.clock),
      known: options.known,
      parents: options.parents,
      crowd: options.crowd,
    });
  }

  /** What was looked through, and Yjs will look through at the most. */
  get steps(): number {
    return this.#order.steps;
  }

  /** Places every struct. Sections begin at the known clock of their client. Throws what the rules and `Missing` throw. */
  place(sections: readonly Section[]): void {
    const ready: Track[] = [];
    for (const section of sections) {
      const track: Track = { section, next: 0, clock: section.clock, waiting: undefined };
      this.#tracks.set(section.client, track);
      ready.push(track);
    }
    for (let track = ready.pop(); track !== undefined; track = ready.pop()) {
      this.#advance(track);
      this.#wake(track, ready);
    }
    this.#missing.throwIfAny();
    this.#tracks.forEach(({ next, section }) => {
      if (next < section.structs.length) throw malformed('structs depend on each other in a circle');
    });
  }

  #advance(track: Track): void {
    const { structs } = track.section;
    for (; track.next < structs.length; track.next++) {
      const struct = structs[track.next] as Struct;
      if (!this.#isReady(struct, track)) return;
      const place = this.#placeOf(struct);
      checkContent(this.#shape, struct, place);
      if (place.parent !== GONE) this.#order.check(struct, place);
      struct.placed = place.parent;
      struct.key = place.key;
      track.clock = struct.clock + struct.length;
    }
  }

  #wake(track: Track, ready: Track[]): void {
    const { waiting } = track;
    if (!waiting) return;
    let kept = 0;
    for (const waiter of waiting) {
      if (waiter.after < track.clock) ready.push(waiter.track);
      else waiting[kept++] = waiter;
    }
    waiting.length = kept;
  }

  #isReady(struct: Struct, track: Track): boolean {
    const { origin, rightOrigin, parent } = struct;
    if (origin && !this.#isThere(origin, track)) return false;
    if (rightOrigin && !this.#isThere(rightOrigin, track)) return false;
    return typeof parent !== 'object' || this.#isThere(parent, track);
  }

  #isThere(id: Id, asking: Track): boolean {
    const track = this.#tracks.get(id.client);
    if (track && id.clock < track.clock) return true;
    if (!track) {
      const known = this.#known.clock(id.client);
      if (id.clock < known) return true;
      this.#missing.add(id.client, known);
      return false;
    }
    if (track === asking) throw malformed('a struct refers to itself or to a later one of its client');
    if (id.clock >= track.section.end) this.#missing.add(id.client, track.section.end);
    else (track.waiting ??= []).push({ track: asking, after: id.clock });
    return false;
  }

  #placeOf(struct: Struct): Place {
    if (struct.ref === Ref.gc) return GONE_PLACE;
    const { origin, rightOrigin, parent, parentSub } = struct;
    if (typeof parent === 'string') {
      checkRoot(this.#shape, parent, this.#parents);
      return { parent: this.#parents.root(parent), key: parentSub };
    }
    if (parent) {
      const type = this.#typeAt(parent);
      if (!type) throw malformed('a struct is in something that is no shared type');
      return type === GONE ? GONE_PLACE : { parent: type, key: parentSub };
    }
    const left = origin && this.#lookUp(origin);
    const right = rightOrigin && this.#lookUp(rightOrigin);
    // Between neighbours of two types, documents with and without collected tombstones would put it in different ones.
    if (left && right && (left.parent !== right.parent || left.key !== right.key)) {
      throw malformed('a struct is between two that are not in the same place');
    }
    return left ?? right ?? GONE_PLACE;
  }

  #lookUp(id: Id): Place {
    const struct = this.#freshAt(id);
    if (!struct) return this.#known.placeOf(id.client, id.clock, this.#parents);
    return { parent: struct.placed ?? GONE, key: struct.key };
  }

  #typeAt(id: Id): Place['parent'] | undefined {
    const struct = this.#freshAt(id);
    if (struct) return this.#parents.withinStruct(struct);
    const found = this.#known.find(id.client, id.clock);
    return 'id' in found ? this.#parents.withinItem(found) : this.#parents.withinStruct(found);
  }

  #freshAt(id: Id): Struct | undefined {
    const section = this.#tracks.get(id.client)?.section;
    if (!section || id.clock < section.clock) return undefined;
    return section.structs[indexHolding(section.structs, id.clock)];
  }
}
