/** Random changes of every form, for callers of the API. */
import type { OffsetEncoding, Patch, RevertTarget } from '../../src/domain/delta.ts';
import type { Tokens } from '../campaign/ledger.ts';
import type { Random } from '../harness/random.ts';
import { randomDocument } from '../unit/content/rich-documents.ts';
import type { RoundKind } from './kinds.ts';

/** The state a caller makes its edits in: a version it read, and its own edits since. */
export interface View {
  readonly version: number;
  readonly characters: readonly string[];
  readonly previousDelta?: string;
}

type Form =
  | { readonly how: 'patch'; readonly patch: Patch }
  | { readonly how: 'batch'; readonly patches: readonly Patch[] }
  | { readonly how: 'revert'; readonly target: RevertTarget }
  | { readonly how: 'delete' | 'undelete' };

export type Change = Form & {
  readonly name: string;
  readonly fromVersion?: number;
  readonly previousDelta?: string;
  readonly inserted: readonly string[];
  readonly deleted: readonly string[];
  /** The view after it, where that is known. */
  readonly after?: readonly string[];
};

interface Asked {
  readonly kind: RoundKind;
  readonly view: View | undefined;
  readonly tokens: Tokens;
  readonly ownDeltas: readonly string[];
  readonly userId: string;
  /** Only owners delete. */
  readonly isOwner: boolean;
  readonly random: Random;
}

const ENCODINGS: readonly OffsetEncoding[] = ['code_points', 'utf16', 'utf8'];

export function makeChange(asked: Asked): Change {
  const { kind, random } = asked;
  if (asked.isOwner && random.chance(0.05)) return plain({ how: 'delete' }, 'delete');
  // More often than it is deleted: most of a round is spent alive.
  if (asked.isOwner && random.chance(0.12)) return plain({ how: 'undelete' }, 'undelete');
  if (kind.accounted === 'character') return random.chance(0.15) ? batchOfTokens(asked) : tokenEdit(asked);
  if (kind.accounted === 'key') return keyEdit(asked);
  return freeChange(asked);
}

function plain(form: Form, name: string): Change {
  return { ...form, name, inserted: [], deleted: [] };
}

/** An insertion anywhere in the view, and perhaps the deletion of what stands there; without a view, at the beginning. */
function tokenEdit({ view, tokens, random }: Asked): Change {
  const encoding = random.pick(ENCODINGS);
  const inserted = tokens.next();
  const at = view ? random.int(0, view.characters.length + 1) : 0;
  const count = view && random.chance(0.3) ? Math.min(random.int(1, 4), view.characters.length - at) : 0;
  const deleted = view?.characters.slice(at, at + count) ?? [];
  const edit = {
    offset: lengthIn(view?.characters.slice(0, at).join('') ?? '', encoding),
    deleteCount: lengthIn(deleted.join(''), encoding),
    insert: inserted,
  };
  const after = view ? [...view.characters] : undefined;
  after?.splice(at, count, inserted);
  return {
    how: 'patch',
    patch: { kind: 'text_edits', encoding, edits: [edit] },
    name: view?.previousDelta ? 'edit on a chain' : view ? 'edit on a version' : 'edit on the head',
    ...basedOn(view),
    inserted: [inserted],
    deleted,
    after,
  };
}

function batchOfTokens({ view, tokens, random }: Asked): Change {
  const inserted = Array.from({ length: random.int(2, 5) }, () => tokens.next());
  const patches = inserted.map((insert): Patch => {
    return { kind: 'text_edits', encoding: 'utf16', edits: [{ offset: 0, deleteCount: 0, insert }] };
  });
  return { how: 'batch', patches, name: 'batch', ...basedOn(view), inserted, deleted: [] };
}

function keyEdit({ view, tokens, random }: Asked): Change {
  const key = tokens.next();
  const value = random.pick([1, 'two', false, [1, 2], { deep: { er: 1 } }]);
  const patch: Patch = random.chance(0.5)
    ? { kind: 'json_patch', patch: JSON.stringify([{ op: 'add', path: `/${key}`, value }]) }
    : { kind: 'merge_patch', patch: JSON.stringify({ [key]: value }) };
  return { how: 'patch', patch, name: patch.kind, ...basedOn(view), inserted: [key], deleted: [] };
}

function freeChange(asked: Asked): Change {
  const { kind, view, random } = asked;
  if (view && random.chance(0.25)) return revert(asked, view);
  const form = formOf(kind, view, random);
  // What holds no plain content of its own is only reverted, deleted and edited by Yjs clients.
  if (!form) return revert(asked, view ?? { version: 1, characters: [] });
  return { how: 'patch', patch: form, name: form.kind, ...basedOn(view), inserted: [], deleted: [] };
}

function formOf(kind: RoundKind, view: View | undefined, random: Random): Patch | undefined {
  switch (kind.name) {
    case 'free-text':
      return view && random.chance(0.6) ? wholeText(view, random) : headInsertion(random);
    case 'free-json':
      return freeJson(random);
    case 'rich':
      return { kind: 'content', content: Buffer.from(JSON.stringify(randomDocument(random))) };
    case 'binary':
      return { kind: 'content', content: random.bytes(random.int(0, 30)) };
    default:
      return undefined;
  }
}

function wholeText(view: View, random: Random): Patch {
  const lines = view.characters.join('').split('\n');
  lines.splice(random.int(0, lines.length + 1), random.int(0, 3), random.text(random.int(0, 12)));
  if (random.chance(0.3)) lines.reverse();
  return { kind: 'content', content: Buffer.from(lines.slice(0, 20).join('\n')) };
}

function headInsertion(random: Random): Patch {
  const insert = random.text(random.int(1, 6));
  return { kind: 'text_edits', encoding: random.pick(ENCODINGS), edits: [{ offset: 0, deleteCount: 0, insert }] };
}

function freeJson(random: Random): Patch {
  const value = random.pick([1, 'x', null, [random.int(0, 9), [1]], { b: random.text(3) }, { list: [], a: {} }]);
  if (random.chance(0.4)) {
    const whole = {
      list: Array.from({ length: random.int(0, 6) }, () => random.int(0, 4)),
      a: value,
      z: random.int(0, 9),
    };
    return { kind: 'content', content: Buffer.from(JSON.stringify(random.chance(0.9) ? whole : value)) };
  }
  if (random.chance(0.5))
    return { kind: 'merge_patch', patch: JSON.stringify({ a: value, [random.pick(['p', 'q'])]: null }) };
  const operations = random.pick([
    [{ op: 'add', path: '/list', value: [value] }],
    [{ op: 'add', path: '/list/0', value }],
    [
      { op: 'add', path: '/a', value },
      { op: 'copy', from: '/a', path: '/list' },
    ],
    [{ op: 'move', from: '/list', path: '/moved' }],
    [{ op: 'replace', path: '', value: { list: [0, 1, 2], a: value } }],
    [{ op: 'remove', path: '/list/0' }],
  ]);
  return { kind: 'json_patch', patch: JSON.stringify(operations) };
}

function revert({ view, ownDeltas, userId, random }: Asked, at: View): Change {
  const targets: RevertTarget[] = [
    { kind: 'version', version: random.int(1, at.version + 1) },
    { kind: 'author', userId, first: random.int(1, at.version + 1) },
  ];
  if (ownDeltas.length > 0) targets.push({ kind: 'deltas', ids: [random.pick(ownDeltas)] });
  const target = random.pick(targets);
  return {
    how: 'revert',
    target,
    name: `revert to a ${target.kind}`,
    fromVersion: random.chance(0.5) ? view?.version : undefined,
    inserted: [],
    deleted: [],
  };
}

function basedOn(view: View | undefined): { fromVersion?: number; previousDelta?: string } {
  return view ? { fromVersion: view.version, previousDelta: view.previousDelta } : {};
}

function lengthIn(text: string, encoding: OffsetEncoding): number {
  if (encoding === 'utf8') return Buffer.byteLength(text);
  return encoding === 'utf16' ? text.length : [...text].length;
}
