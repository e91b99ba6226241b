/**
 * Checks raw Yjs updates before they touch any document. What passes integrates at once and whole, in every document
 * that holds what was committed before it (G6); what Yjs would keep pending, throw on or let corrupt the content is
 * refused with its reason. Nothing is ever tried on the live document: a bad second struct throws after the first is in.
 */
import type * as Y from 'yjs';
import { StudioError } from '../../errors.ts';
import { UPDATE_CLIENT_IDS_MAX, UPDATE_STEPS_UNTRIED_MAX } from '../../limits.ts';
import type { Shape } from '../content/shape.ts';
import { Crowd } from './crowd.ts';
import { IntegrationOrder } from './integration-order.ts';
import { Known } from './known.ts';
import { LeanMap } from './lean-map.ts';
import { newDeletions } from './new-deletions.ts';
import { Parents } from './placement.ts';
import { forbidden, Missing, NeedsTrial, tooComplex } from './refusals.ts';
import { sliceStruct, writeUpdate } from './rewrite.ts';
import { rootKindOf } from './rules.ts';
import { requireSame } from './same-content.ts';
import { type DeleteRange, readOwnUpdate, readUpdate, type Section, type Struct, type Update } from './update.ts';

export interface Checked {
  /** What is new of the update; the very bytes that were checked if all of it is. Empty of content if nothing is. */
  readonly update: Uint8Array;
  /** Whether there is anything new. */
  readonly brings: boolean;
  /** Client ids that nobody owned and that bring structs here; they are the user's once this is committed. */
  readonly newClients: readonly number[];
  readonly userId: string;
  readonly sections: readonly Section[];
  readonly deletes: readonly DeleteRange[];
  /** Undefined: it was tried. */
  readonly crowd: Crowd | undefined;
}

/** The owner of the client ids the server mints for edits it makes itself. */
const SERVER = '';

/** One per room. */
export class Guard {
  readonly #shapeOf: () => Shape;
  readonly #doc: Y.Doc;
  readonly #owners: ReadonlyMap<number, string>;
  readonly #known: Known;
  /** Owners of client ids that were accepted and are not committed yet. */
  readonly #acceptedOwners = new LeanMap<number, string>();
  #parents: Parents | undefined;
  /** Of everything accepted since the last settle. */
  #crowd = new Crowd();

  /** `doc`: the live document, committed deltas only. `owners`: client id to user id, or to '' for the server's own. */
  constructor(options: {
    readonly doc: Y.Doc;
    readonly shape: Shape | (() => Shape);
    readonly owners: ReadonlyMap<number, string>;
  }) {
    const { shape } = options;
    this.#shapeOf = typeof shape === 'string' ? () => shape : shape;
    this.#doc = options.doc;
    this.#owners = options.owners;
    this.#known = new Known(options.doc);
  }

  /** The client's clock after everything accepted. */
  clock(clientId: number): number {
    return this.#known.clock(clientId);
  }

  /**
   * Checks against the document and everything accepted since the last settle. Changes nothing; throws a StudioError:
   * G7, one saying that a trial is needed if integrating it could take long, unless it was tried.
   */
  check(bytes: Uint8Array, userId: string, isTried = false): Checked {
    const update = readUpdate(bytes);
    const missing = new Missing();
    const newClients: number[] = [];
    const fresh: Section[] = [];
    for (const section of update.sections) {
      const known = this.#known.clock(section.client);
      if (section.end > known) this.#claim(section.client, userId, newClients);
      if (section.clock < known) requireSame(section, Math.min(section.end, known), this.#known);
      else if (section.clock > known) missing.add(section.client, known);
      if (section.end > known) fresh.push(known > section.clock ? after(section, known) : section);
    }
    if (fresh.length > UPDATE_CLIENT_IDS_MAX) {
      throw tooComplex('UPDATE_CLIENT_IDS_MAX', `brings edits of more than ${UPDATE_CLIENT_IDS_MAX} client ids`);
    }
    missing.throwIfAny();
    const shape = this.#shapeOf();
    // Roots that refused updates named would stay counted.
    if (shape === 'yjs' && this.#known.isSettled) this.#parents = undefined;
    const parents = (this.#parents ??= new Parents(this.#doc, rootKindOf(shape)));
    const crowd = isTried ? undefined : new Crowd(this.#crowd);
    const order = new IntegrationOrder({ shape, known: this.#known, parents, missing, crowd });
    order.place(fresh);
    const checked = this.#checked(update, fresh, { shape, userId, newClients, crowd });
    if (crowd) {
      crowd.steps += order.steps + this.#deletionSteps(checked.deletes, crowd);
      if (crowd.steps > UPDATE_STEPS_UNTRIED_MAX) throw new NeedsTrial();
    }
    return checked;
  }

  /** Yjs splits structs at both ends of a range. */
  #deletionSteps(deletes: readonly DeleteRange[], crowd: Crowd): number {
    let steps = 0;
    let last: number | undefined;
    for (const { client } of deletes) {
      steps += 2 * this.#known.splitSteps(client, crowd.splits);
      crowd.splits += 2;
      if (client !== last) steps += this.#known.deletionSteps(client);
      last = client;
    }
    return steps;
  }

  #checked(
    update: Update,
    sections: readonly Section[],
    {
      shape,
      userId,
      newClients,
      crowd,
    }: { shape: Shape; userId: string; newClients: readonly number[]; crowd: Crowd | undefined },
  ): Checked {
    const { deletes, areAll } = newDeletions(update, sections, this.#known);
    const brings = sections.length > 0 || deletes.length > 0;
    if (shape === 'binary' && brings)
      throw forbidden('UPDATE_ROOT_FORBIDDEN', 'binary content is not written by updates');
    const isWhole =
      update.isTidy &&
      areAll &&
      sections.length === update.sections.length &&
      sections.every((section, index) => section === update.sections[index]);
    return {
      update: isWhole ? update.bytes : writeUpdate(sections, deletes),
      brings,
      newClients,
      userId,
      sections,
      deletes,
      crowd,
    };
  }

  /** The checked update will be committed next: later checks see its structs and deletions as known. */
  accept(checked: Checked): void {
    this.#known.add(checked.sections, checked.deletes);
    // The first since the last settle is all there is.
    if (checked.crowd && this.#crowd.isEmpty) this.#crowd = checked.crowd;
    else if (checked.crowd) this.#crowd.absorb(checked.crowd);
    for (const client of checked.newClients) this.#acceptedOwners.set(client, checked.userId);
  }

  /** The same for an update the server made itself on a document that held everything it builds on. */
  acceptAuthored(bytes: Uint8Array): void {
    const { sections, deletes } = readOwnUpdate(bytes);
    const shape = this.#shapeOf();
    this.#parents ??= new Parents(this.#doc, rootKindOf(shape));
    const missing = new Missing();
    const fresh = sections
      .filter((section) => section.end > this.#known.clock(section.client))
      .map((section) => {
        const known = this.#known.clock(section.client);
        return known > section.clock ? after(section, known) : section;
      });
    // Binary registers are written by the server alone, so no rule covers them; nothing else refers to them either.
    if (shape !== 'binary')
      new IntegrationOrder({ shape, known: this.#known, parents: this.#parents, missing, crowd: undefined }).place(
        fresh,
      );
    this.#known.add(fresh, deletes);
    for (const { client } of fresh) if (!this.#owners.has(client)) this.#acceptedOwners.set(client, SERVER);
  }

  /** Everything accepted is in the document now, or was dropped. */
  settle(): void {
    this.#known.clear();
    if (!this.#crowd.isEmpty) this.#crowd = new Crowd();
    this.#acceptedOwners.clear();
  }

  /** G8: a client id belongs to whoever first committed with it. Sending others' known structs again is no harm. */
  #claim(client: number, userId: string, newClients: number[]): void {
    const owner = this.#owners.get(client) ?? this.#acceptedOwners.get(client);
    if (owner === undefined) newClients.push(client);
    else if (owner !== userId) {
      throw new StudioError(
        'CLIENT_ID_FOREIGN',
        `Client id ${client} is not yours: reload the document to get a new one.`,
        {
          client_id: String(client),
        },
      );
    }
  }
}

/** What of the section lies at or above the clock, which is within it. */
function after(section: Section, clock: number): Section {
  const structs: Struct[] = [];
  for (const struct of section.structs) {
    if (struct.clock >= clock) structs.push(struct);
    else if (struct.clock + struct.length > clock) structs.push(sliceStruct(struct, clock - struct.clock));
  }
  return { client: section.client, clock, end: section.end, structs };
}
