/** What content of each shape may consist of: which roots, and in each kind of type which kinds of structs. */
import { CONTENT_DEPTH_MAX, UPDATE_ROOTS_MAX } from '../../limits.ts';
import { JSON_ROOT_KEY } from '../content/document.ts';
import type { Shape } from '../content/shape.ts';
import { ValueFlag } from './content-reader.ts';
import { GONE, type Parents, type Place, type TypeKind } from './placement.ts';
import { forbidden, tooComplex } from './refusals.ts';
import { Ref, type Struct } from './update.ts';

/** What one place takes. Tombstones may be anywhere. */
interface Slot {
  readonly refs: ReadonlySet<number>;
  /** Wire numbers of the types that may be in it. */
  readonly types: ReadonlySet<number>;
  /** Flags of plain values that may not be in it. */
  readonly forbiddenValues: number;
}

interface ShapeRules {
  /** Undefined: any. */
  readonly root: string | undefined;
  readonly rootKind: TypeKind | undefined;
  /** By kind of type: what its list and its keys take. */
  readonly lists: Partial<Record<TypeKind, Slot>>;
  readonly maps: Partial<Record<TypeKind, Slot>>;
  /** Of places that Yjs will drop: all that the shape has anywhere. */
  readonly anywhere: Slot;
}

const NONE: ReadonlySet<number> = new Set();
const ALL_VALUES_PLAIN = ValueFlag.container | ValueFlag.undefined | ValueFlag.exotic;
const TEXT: Slot = { refs: new Set([Ref.string, Ref.format]), types: NONE, forbiddenValues: 0 };
/** Objects and arrays are shared types, so that concurrent changes within them merge. */
const JSON_VALUE: Slot = {
  refs: new Set([Ref.any, Ref.type]),
  types: new Set([0, 1]),
  forbiddenValues: ALL_VALUES_PLAIN,
};
const NODES: Slot = { refs: new Set([Ref.type]), types: new Set([3, 6]), forbiddenValues: 0 };
const ATTRIBUTE: Slot = { refs: new Set([Ref.any]), types: NONE, forbiddenValues: ValueFlag.exotic };
const RICH_ANYWHERE: Slot = {
  refs: new Set([Ref.string, Ref.format, Ref.type, Ref.any]),
  types: new Set([3, 6]),
  forbiddenValues: ValueFlag.exotic,
};
const ANYTHING: Slot = {
  refs: new Set([Ref.json, Ref.binary, Ref.string, Ref.embed, Ref.format, Ref.type, Ref.any]),
  types: new Set([0, 1, 2, 3, 4, 5, 6]),
  forbiddenValues: 0,
};
const NOTHING: Slot = { refs: NONE, types: NONE, forbiddenValues: 0 };

const RULES: Record<Shape, ShapeRules> = {
  text: { root: 'content', rootKind: 'text', lists: { text: TEXT }, maps: {}, anywhere: TEXT },
  json: {
    root: 'content',
    rootKind: 'map',
    lists: { array: JSON_VALUE },
    maps: { map: JSON_VALUE },
    anywhere: JSON_VALUE,
  },
  rich: {
    root: 'default',
    rootKind: 'fragment',
    lists: { fragment: NODES, element: NODES, 'xml-text': TEXT },
    maps: { element: ATTRIBUTE },
    anywhere: RICH_ANYWHERE,
  },
  yjs: { root: undefined, rootKind: undefined, lists: {}, maps: {}, anywhere: ANYTHING },
  // Raw updates don't write registers: the bytes they would name are not in the content store.
  binary: { root: '', rootKind: undefined, lists: {}, maps: {}, anywhere: NOTHING },
};

export function rootKindOf(shape: Shape): TypeKind | undefined {
  return RULES[shape].rootKind;
}

/** Throws UPDATE_ROOT_FORBIDDEN, or UPDATE_TOO_COMPLEX for too many roots. */
export function checkRoot(shape: Shape, name: string, parents: Parents): void {
  const { root } = RULES[shape];
  if (root !== undefined && root !== name) {
    throw forbidden(
      'UPDATE_ROOT_FORBIDDEN',
      `content of this shape (${shape}) is not in the root "${name.slice(0, 64)}"`,
    );
  }
  if (root === undefined && parents.rootCountWith(name) > UPDATE_ROOTS_MAX) {
    throw tooComplex('UPDATE_ROOTS_MAX', `would make more than ${UPDATE_ROOTS_MAX} roots`);
  }
}

/** Throws UPDATE_CONTENT_FORBIDDEN, UPDATE_ROOT_FORBIDDEN or UPDATE_TOO_COMPLEX. */
export function checkContent(shape: Shape, struct: Struct, place: Place): void {
  if (struct.ref === Ref.gc) return;
  const slot = slotOf(shape, place);
  if (struct.ref === Ref.deleted) return;
  if (!slot.refs.has(struct.ref)) throw misplaced(shape, 'a kind of content it does not have there');
  if (struct.ref === Ref.type) {
    if (!slot.types.has(struct.typeRef)) throw misplaced(shape, 'a kind of shared type it does not have there');
    if (place.parent.depth + 1 > CONTENT_DEPTH_MAX)
      throw tooComplex('CONTENT_DEPTH_MAX', `nests types deeper than ${CONTENT_DEPTH_MAX}`);
  }
  if ((struct.valueFlags & slot.forbiddenValues) !== 0) throw misplaced(shape, 'plain values it does not have there');
  // A key has one value; of several only the last would ever be seen.
  if (place.key !== undefined && struct.length > 1) throw misplaced(shape, 'several values under one key');
}

function slotOf(shape: Shape, { parent, key }: Place): Slot {
  const rules = RULES[shape];
  if (parent === GONE || rules.root === undefined) return rules.anywhere;
  if (shape === 'json' && parent.root !== undefined && key !== JSON_ROOT_KEY) {
    throw forbidden('UPDATE_ROOT_FORBIDDEN', `JSON content is under the key "${JSON_ROOT_KEY}" of its root`);
  }
  const slot = parent.kind === undefined ? undefined : (key === undefined ? rules.lists : rules.maps)[parent.kind];
  if (!slot) throw misplaced(shape, key === undefined ? 'a list where it has none' : 'keys where it has none');
  return slot;
}

function misplaced(shape: Shape, what: string): Error {
  return forbidden('UPDATE_CONTENT_FORBIDDEN', `content of this shape (${shape}) can't have ${what}`);
}
