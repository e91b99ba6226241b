/**
 * The ids of all blobs that a collection speaks of, for work that takes long with each: a server closes a cursor that
 * nobody asks for ten minutes, so none is open while an id is worked on.
 */
import type { Collection, Document, Filter } from 'mongodb';
import { IDS_PER_PAGE } from '../limits.ts';

/** Ascending, each once. `order` is that of an index, and its first field the id. */
export async function* idsByPages<D extends Document>(
  collection: Collection<D>,
  order: readonly [string, ...string[]],
): AsyncGenerator<string> {
  for (let after = ''; ;) {
    const page = await nextIds(collection, order, after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < IDS_PER_PAGE) return;
    after = last;
  }
}

async function nextIds<D extends Document>(
  collection: Collection<D>,
  order: readonly [string, ...string[]],
  after: string,
): Promise<string[]> {
  const [field] = order;
  const sort = Object.fromEntries(order.map((key) => [key, 1 as const]));
  const projection = { _id: 0, [field]: 1 };
  const cursor = collection.find({ [field]: { $gt: after } } as Filter<D>, { projection }).sort(sort);
  const ids: string[] = [];
  for await (const document of cursor) {
    const id: unknown = document[field];
    if (typeof id !== 'string' || id === ids.at(-1)) continue;
    ids.push(id);
    if (ids.length >= IDS_PER_PAGE) break;
  }
  return ids;
}
