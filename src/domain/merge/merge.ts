/**
 * Three-way merge of a derived blob's content: `base` is the provider's previous output, `ours` what people have made
 * of it, `theirs` the provider's new output. A plain difference merged as a CRDT is not enough: where both fix "teh"
 * it gives "thee", and a paragraph somebody deleted comes back.
 */
import { parseJson, type JsonValue } from '../content/json-value.ts';
import { toProsemirrorJson } from '../content/prosemirror-json.ts';
import { parseProsemirror } from '../content/prosemirror-parse.ts';
import type { RichNode } from '../content/rich-node.ts';
import { shapeOf } from '../content/shape.ts';
import { decodeText } from '../content/text.ts';
import { StudioError } from '../../errors.ts';
import { mergeJson } from './merge-json.ts';
import { mergeRich } from './merge-rich.ts';
import { mergeText } from './merge-text.ts';
import { Tally } from './tally.ts';

export interface Merged {
  readonly content: Uint8Array;
  /** Changes from `base` to `theirs` that are not in it, since people had changed the same. */
  readonly skipped: number;
}

/**
 * Where both changed the same unit, people's stays, and stays whole where the other side's is too little like it. A unit
 * is known by what it says wherever it has gone: what people took out does not come back where the provider moved it.
 * What is not like any unit is another one, and comes beside it. A change that is in `ours` already is taken once.
 * Rich documents are ProseMirror's JSON on all sides; of binary content, which has no parts, each side is its hash.
 * `theirs` is read as strictly as any content is: throws CONTENT_INVALID or CONTENT_TOO_LARGE.
 */
export function mergeThreeWay(contentType: string, base: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Merged {
  if (Buffer.compare(base, ours) === 0) return { content: theirs, skipped: 0 };
  if (Buffer.compare(base, theirs) === 0 || Buffer.compare(ours, theirs) === 0) return { content: ours, skipped: 0 };
  const tally = new Tally();
  switch (shapeOf(contentType)) {
    case 'text': {
      const text = mergeText({ base: decode(base), ours: decode(ours), theirs: decodeText(theirs) }, tally);
      return { content: encode(text), skipped: tally.skipped };
    }
    case 'json': {
      const value = mergeJson(parse(base), parse(ours), parseJson(theirs), tally);
      return { content: encode(JSON.stringify(value ?? null)), skipped: tally.skipped };
    }
    case 'rich': {
      const current = parseCurrent(ours);
      if (!current) return { content: ours, skipped: 1 };
      const sides = { base: parseProsemirror(base), ours: current, theirs: parseProsemirror(theirs) };
      const nodes = mergeRich(sides, tally);
      return { content: encode(JSON.stringify(toProsemirrorJson(nodes))), skipped: tally.skipped };
    }
    case 'yjs':
    case 'binary':
      return { content: ours, skipped: 1 };
  }
}

/** Editors may have written what no JSON could: that can't be merged, and stays as it is. */
function parseCurrent(ours: Uint8Array): RichNode[] | undefined {
  try {
    return parseProsemirror(ours);
  } catch (error) {
    if (error instanceof StudioError) return undefined;
    throw error;
  }
}

/** Of what is stored: it was checked when it was written. */
function parse(bytes: Uint8Array): JsonValue {
  return JSON.parse(decode(bytes)) as JsonValue;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function encode(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
