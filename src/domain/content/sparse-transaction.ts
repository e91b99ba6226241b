/**
 * Transactions whose cost does not grow with the client ids a document has seen in its life. Yjs notes the clock of
 * every id before and after each transaction, and goes through them all again to encode what changed: with 10,000 ids
 * that takes a hundred times as long as the change. Here it is told only of ids whose structs were looked at, since no
 * other can have changed.
 */
import * as Y from 'yjs';

type Structs = (Y.Item | Y.GC)[];

/** With fewer ids Yjs's own way is as fast. */
const SPARSE_FROM_IDS = 64;

/**
 * As `Y.transact`, for documents of `createDocument`. Neither `body` nor an observer may ask for the document's state
 * (vector or update), or begin another transaction: they would be told of a part.
 */
export function transactSparsely(doc: Y.Doc, body: () => void, origin: unknown = null, local = true): void {
  const { store } = doc;
  if (store.clients.size < SPARSE_FROM_IDS || doc._transaction !== null) {
    Y.transact(doc, body, origin, local);
    return;
  }
  const clients = store.clients instanceof LookedAt ? store.clients : new LookedAt(store.clients);
  store.clients = clients;
  clients.begin();
  try {
    Y.transact(
      doc,
      (transaction: Y.Transaction) => {
        transaction.beforeState = new StateBefore(clients);
        body();
      },
      origin,
      local,
    );
  } finally {
    clients.end();
  }
}

/** A document's structs by client. While it notes, it shows only those that were asked for since. */
class LookedAt extends Map<number, Structs> {
  /** Clocks as they were at the first look: structs are added only to what was looked up. */
  #before: Map<number, number> | undefined;
  /** Most looks are at the same id as the one before. */
  #last = -1;

  begin(): void {
    this.#before = new Map();
    this.#last = -1;
  }

  end(): void {
    this.#before = undefined;
  }

  override get(client: number): Structs | undefined {
    const structs = super.get(client);
    if (this.#before !== undefined && client !== this.#last) {
      this.#last = client;
      if (!this.#before.has(client)) this.#before.set(client, clockAfter(structs));
    }
    return structs;
  }

  override forEach(visit: (structs: Structs, client: number, map: Map<number, Structs>) => void): void {
    if (this.#before === undefined) {
      super.forEach(visit);
      return;
    }
    for (const client of this.#before.keys()) {
      const structs = super.get(client);
      if (structs) visit(structs, client, this);
    }
  }

  get noted(): ReadonlyMap<number, number> {
    return this.#before ?? new Map();
  }

  /** The client's clock when the noting began; 0 for one that was not there. */
  clockBefore(client: number): number {
    return this.#before?.get(client) ?? clockAfter(super.get(client));
  }
}

/** What `Transaction.beforeState` says of any client, without having asked all of them. */
class StateBefore extends Map<number, number> {
  readonly #clients: LookedAt;

  constructor(clients: LookedAt) {
    super();
    this.#clients = clients;
  }

  override get(client: number): number | undefined {
    return this.#clients.clockBefore(client) || undefined;
  }

  override has(client: number): boolean {
    return this.#clients.clockBefore(client) > 0;
  }

  override forEach(visit: (clock: number, client: number, map: Map<number, number>) => void): void {
    for (const [client, clock] of this.#clients.noted) if (clock > 0) visit(clock, client, this);
  }
}

function clockAfter(structs: Structs | undefined): number {
  const last = structs?.at(-1);
  return last ? last.id.clock + last.length : 0;
}
