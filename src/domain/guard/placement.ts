/** Where structs are: what type each is in, in the document, in what was accepted, or in the update being checked. */
import * as Y from 'yjs';
import { Ref, type Struct } from './update.ts';

export type TypeKind = 'array' | 'map' | 'text' | 'element' | 'fragment' | 'hook' | 'xml-text';

/** Yjs's numbers of types on the wire. */
const KINDS: readonly TypeKind[] = ['array', 'map', 'text', 'element', 'fragment', 'hook', 'xml-text'];

/**
 * A type that holds structs. There is one object for one type, so that identity tells whether two structs are in the
 * same. The depth of a root is 0.
 */
export interface Parent {
  /** Undefined for a root of an opaque document: the wire does not tell. */
  readonly kind: TypeKind | undefined;
  readonly root: string | undefined;
  readonly depth: number;
  /** Of one within another that is in the document. */
  readonly type?: Y.AbstractType<unknown>;
}

/** Of a struct whose type is deleted and collected: Yjs makes it a tombstone. */
export const GONE: Parent = { kind: undefined, root: undefined, depth: 0 };

export interface Place {
  readonly parent: Parent;
  readonly key: string | undefined;
}

export const GONE_PLACE: Place = { parent: GONE, key: undefined };

/** Names the types of a document and of the updates on their way into it. */
export class Parents {
  readonly #doc: Y.Doc;
  readonly #rootKind: TypeKind | undefined;
  readonly #roots = new Map<string, Parent>();
  readonly #ofTypes = new WeakMap<object, Parent>();
  readonly #ofStructs = new WeakMap<Struct, Parent>();

  constructor(doc: Y.Doc, rootKind: TypeKind | undefined) {
    this.#doc = doc;
    this.#rootKind = rootKind;
  }

  /** How many roots there would be with this one. */
  rootCountWith(name: string): number {
    const { share } = this.#doc;
    if (share.has(name) || this.#roots.has(name)) return share.size;
    let count = share.size + 1;
    for (const known of this.#roots.keys()) if (!share.has(known)) count += 1;
    return count;
  }

  /** The type in the document, if it is there: with what was committed in it, and nothing else. */
  typeOf(parent: Parent): Y.AbstractType<unknown> | undefined {
    return parent.root === undefined
      ? parent.type
      : (this.#doc.share.get(parent.root) as Y.AbstractType<unknown> | undefined);
  }

  root(name: string): Parent {
    let parent = this.#roots.get(name);
    if (!parent) {
      parent = { kind: this.#rootKind, root: name, depth: 0 };
      this.#roots.set(name, parent);
    }
    return parent;
  }

  ofType(type: Y.AbstractType<unknown>): Parent {
    let parent = this.#ofTypes.get(type);
    if (parent) return parent;
    const item = type._item;
    parent =
      item === null
        ? this.root(this.#nameOf(type))
        : {
            kind: kindOf(type),
            root: undefined,
            depth: this.ofType(item.parent as Y.AbstractType<unknown>).depth + 1,
            type,
          };
    this.#ofTypes.set(type, parent);
    return parent;
  }

  /** Of a Ref.type struct that is placed. */
  ofStruct(struct: Struct): Parent {
    let parent = this.#ofStructs.get(struct);
    if (!parent) {
      parent = { kind: KINDS[struct.typeRef], root: undefined, depth: (struct.placed?.depth ?? 0) + 1 };
      this.#ofStructs.set(struct, parent);
    }
    return parent;
  }

  placeOfItem(struct: Y.Item | Y.GC): Place {
    if (!(struct instanceof Y.Item) || !struct.parent) return GONE_PLACE;
    return { parent: this.ofType(struct.parent as Y.AbstractType<unknown>), key: struct.parentSub ?? undefined };
  }

  /** The type an item of the document is; GONE if it is deleted; undefined if it is none. */
  withinItem(struct: Y.Item | Y.GC): Parent | undefined {
    if (!(struct instanceof Y.Item) || struct.content instanceof Y.ContentDeleted) return GONE;
    if (!(struct.content instanceof Y.ContentType)) return undefined;
    return this.ofType((struct.content as { type: Y.AbstractType<unknown> }).type);
  }

  withinStruct(struct: Struct): Parent | undefined {
    if (struct.ref === Ref.gc || struct.ref === Ref.deleted || struct.placed === GONE) return GONE;
    return struct.ref === Ref.type ? this.ofStruct(struct) : undefined;
  }

  #nameOf(type: Y.AbstractType<unknown>): string {
    for (const [name, root] of this.#doc.share) if (root === (type as unknown)) return name;
    return '';
  }
}

/** Yjs's number of the type on the wire. */
export function typeRefOf(type: Y.AbstractType<unknown>): number {
  const kind = kindOf(type);
  return kind === undefined ? -1 : KINDS.indexOf(kind);
}

function kindOf(type: Y.AbstractType<unknown>): TypeKind | undefined {
  if (type instanceof Y.XmlElement) return 'element';
  if (type instanceof Y.XmlFragment) return 'fragment';
  if (type instanceof Y.XmlText) return 'xml-text';
  if (type instanceof Y.XmlHook) return 'hook';
  if (type instanceof Y.Text) return 'text';
  if (type instanceof Y.Map) return 'map';
  return type instanceof Y.Array ? 'array' : undefined;
}
