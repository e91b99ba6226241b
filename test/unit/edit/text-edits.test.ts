import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { alphabetOf } from '../../../src/domain/content/alphabet.ts';
import { alphabetOfText, createDocument } from '../../../src/domain/content/document.ts';
import { transactSparsely } from '../../../src/domain/content/sparse-transaction.ts';
import type { OffsetEncoding, TextEdit } from '../../../src/domain/delta.ts';
import { authorTextEdits, resolveEdits, resolvePlainEdits } from '../../../src/domain/edit/text-edits.ts';
import { StudioError } from '../../../src/errors.ts';
import { CONTENT_BYTES_MAX, TEXT_EDITS_PER_DELTA_MAX } from '../../../src/limits.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('text edits');

function documentOf(text: string): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = createDocument({ gc: true });
  doc.getText('content').insert(0, text);
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  return { doc, updates };
}

function edited(text: string, edits: readonly TextEdit[], encoding: OffsetEncoding): string {
  const { doc } = documentOf(text);
  authorTextEdits(doc, edits, encoding);
  return doc.getText('content').toJSON();
}

function refused(text: string, edits: readonly TextEdit[], encoding: OffsetEncoding): string {
  const { doc, updates } = documentOf(text);
  try {
    authorTextEdits(doc, edits, encoding);
  } catch (error) {
    assert.instance(error, StudioError);
    assert.is(updates.length, 0, 'a refused edit emits nothing');
    assert.is(doc.getText('content').toJSON(), text, 'and changes nothing');
    return (error as StudioError).reason;
  }
  return 'accepted';
}

const edit = (offset: number, deleteCount: number, insert: string): TextEdit => ({ offset, deleteCount, insert });

test('offsets count code points, UTF-16 units or UTF-8 bytes, as the caller says', () => {
  const text = 'é😀漢x';
  assert.is(edited(text, [edit(2, 1, 'Y')], 'code_points'), 'é😀Yx');
  assert.is(edited(text, [edit(3, 1, 'Y')], 'utf16'), 'é😀Yx');
  assert.is(edited(text, [edit(6, 3, 'Y')], 'utf8'), 'é😀Yx');
});

test('edits apply in sequence, each to the result of the one before, as one update', () => {
  const { doc, updates } = documentOf('abc');
  authorTextEdits(doc, [edit(3, 0, 'def'), edit(0, 1, ''), edit(2, 2, 'XY'), edit(5, 0, '!')], 'utf16');
  assert.is(doc.getText('content').toJSON(), 'bcXYf!');
  assert.is(updates.length, 1);
});

test('an edit outside the text is EDIT_OUT_OF_RANGE and nothing before it is done', () => {
  assert.is(refused('abc', [edit(4, 0, 'x')], 'utf16'), 'EDIT_OUT_OF_RANGE');
  assert.is(refused('abc', [edit(0, 0, 'x'), edit(2, 3, '')], 'utf16'), 'EDIT_OUT_OF_RANGE');
  assert.is(refused('abc', [edit(-1, 0, 'x')], 'utf16'), 'EDIT_OUT_OF_RANGE');
  assert.is(refused('abc', [edit(0.5, 0, 'x')], 'utf16'), 'EDIT_OUT_OF_RANGE');
  assert.is(refused('abc', [edit(1, 2 ** 53, '')], 'utf8'), 'EDIT_OUT_OF_RANGE');
  assert.is(refused('😀', [edit(2, 0, 'x')], 'code_points'), 'EDIT_OUT_OF_RANGE');
});

test('an offset or count that splits a character is EDIT_SPLITS_CHARACTER', () => {
  assert.is(refused('a😀b', [edit(2, 0, 'x')], 'utf16'), 'EDIT_SPLITS_CHARACTER');
  assert.is(refused('a😀b', [edit(1, 1, '')], 'utf16'), 'EDIT_SPLITS_CHARACTER');
  assert.is(refused('aéb', [edit(2, 0, 'x')], 'utf8'), 'EDIT_SPLITS_CHARACTER');
  assert.is(refused('a😀b', [edit(0, 3, '')], 'utf8'), 'EDIT_SPLITS_CHARACTER');
  assert.is(refused('ab', [edit(1, 0, '😀'), edit(2, 0, 'x')], 'utf16'), 'EDIT_SPLITS_CHARACTER');
});

test('half a surrogate pair in an insert is CONTENT_INVALID', () => {
  assert.is(refused('a', [edit(0, 0, 'x\ud83d')], 'utf16'), 'CONTENT_INVALID');
  assert.is(refused('a', [edit(0, 0, '\ude00x')], 'code_points'), 'CONTENT_INVALID');
});

test('G7: too many edits and too large a result are refused', () => {
  const many = Array.from({ length: TEXT_EDITS_PER_DELTA_MAX + 1 }, () => edit(0, 0, 'x'));
  assert.is(refused('', many, 'utf16'), 'LIMIT_EXCEEDED');
  assert.is(refused('aa', [edit(0, 0, 'x'.repeat(CONTENT_BYTES_MAX - 1))], 'utf16'), 'CONTENT_TOO_LARGE');
  assert.is(edited('a', [edit(0, 0, 'x'.repeat(CONTENT_BYTES_MAX - 1))], 'utf16').length, CONTENT_BYTES_MAX);
});

const ENCODINGS: readonly OffsetEncoding[] = ['code_points', 'utf16', 'utf8'];

/** The plain way: cut the text's characters up and put them together again. */
function expected(text: string, offset: number, count: number, insert: string): string {
  const characters = Array.from(text);
  characters.splice(offset, count, insert);
  return characters.join('');
}

function unitsOf(text: string, encoding: OffsetEncoding): number {
  if (encoding === 'utf16') return text.length;
  return encoding === 'utf8' ? Buffer.byteLength(text) : Array.from(text).length;
}

function randomRound(random: Random): void {
  const encoding = random.pick(ENCODINGS);
  const start = random.text(random.chance(0.1) ? 20_000 : random.int(0, 60));
  let text = start;
  const edits: TextEdit[] = [];
  for (let count = random.int(1, 12); count > 0; count--) {
    const characters = Array.from(text);
    const from = random.int(0, characters.length + 1);
    const removed = random.int(0, Math.min(6, characters.length - from) + 1);
    const insert = random.text(random.int(0, 5));
    const before = unitsOf(characters.slice(0, from).join(''), encoding);
    const inside = unitsOf(characters.slice(from, from + removed).join(''), encoding);
    edits.push(edit(before, inside, insert));
    text = expected(text, from, removed, insert);
  }
  assert.is(edited(start, edits, encoding), text);
}

test(
  'random edits in all three encodings give what splicing characters gives',
  seeded((random) => {
    for (let round = 0; round < 400; round++) randomRound(random);
  }),
);

test(
  'an edit lands where it should after an update from elsewhere',
  seeded((random) => {
    const remote = new Y.Doc();
    const { doc } = documentOf('');
    remote.on('update', (update: Uint8Array) => Y.applyUpdate(doc, update));
    doc.on(
      'update',
      (update: Uint8Array, origin: unknown) => origin !== 'remote' && Y.applyUpdate(remote, update, 'remote'),
    );
    const text = doc.getText('content');
    for (let round = 0; round < 300; round++) {
      const before = text.toJSON();
      const at = random.int(0, before.length + 1);
      authorTextEdits(doc, [edit(at, 0, 'ab')], 'utf16');
      assert.is(text.toJSON(), `${before.slice(0, at)}ab${before.slice(at)}`);
      const other = remote.getText('content');
      other.insert(random.int(0, other.length + 1), 'xyz');
    }
  }),
);

test('a text is not read for edits whose offsets are its own', () => {
  const { doc } = documentOf('héllo');
  authorTextEdits(doc, [edit(5, 0, '!')], 'code_points');
  const text = doc.getText('content');
  const whole = text.toJSON.bind(text);
  text.toJSON = () => {
    throw new Error('The text was read.');
  };
  authorTextEdits(doc, [edit(0, 1, 'H'), edit(6, 0, '漢')], 'code_points');
  authorTextEdits(doc, [edit(6, 1, '')], 'utf16');
  assert.throws(() => authorTextEdits(doc, [edit(0, 0, 'x')], 'utf8'), 'The text was read.');
  assert.throws(() => authorTextEdits(doc, [edit(0, 0, '😀')], 'code_points'), 'The text was read.');
  assert.throws(() => authorTextEdits(doc, [edit(7, 0, 'x')], 'code_points'), 'The text was read.');
  assert.is(whole(), 'Héllo!');
});

test('what a text may consist of follows what is put into it, by whomever', () => {
  const { doc } = documentOf('abc');
  assert.is(alphabetOfText(doc), 'ascii');
  authorTextEdits(doc, [edit(1, 0, 'é')], 'utf16');
  assert.is(alphabetOfText(doc), 'bmp');
  // As many ids as make a transaction sparse.
  for (let id = 1; id <= 100; id++) {
    const remote = new Y.Doc();
    remote.clientID = id;
    remote.getText('content').insert(0, id < 100 ? 'x' : '😀');
    assert.is(alphabetOfText(doc), 'bmp');
    transactSparsely(doc, () => Y.applyUpdate(doc, Y.encodeStateAsUpdate(remote)), null, false);
  }
  assert.is(alphabetOfText(doc), 'any');
});

test(
  'edits that need no look at the text are resolved as those that do',
  seeded((random) => {
    const plain = 'ab\néß漢\u2028';
    let taken = 0;
    for (let round = 0; round < 2_000; round++) {
      const characters = [...(random.int(0, 3) === 0 ? `${plain}😀` : random.int(0, 2) === 0 ? plain : 'abc\n')];
      const word = (): string =>
        Array.from({ length: random.int(0, 5) }, () => characters[random.int(0, characters.length)] ?? '').join('');
      const text = word() + word();
      const encoding = (['code_points', 'utf16', 'utf8'] as const)[random.int(0, 3)] ?? 'utf16';
      const edits = Array.from({ length: random.int(1, 4) }, () => edit(random.int(0, 8), random.int(0, 3), word()));
      const resolved = resolvePlainEdits({ length: text.length, alphabet: alphabetOf(text) }, edits, encoding);
      if (!resolved) continue;
      taken += 1;
      assert.equal(resolved, resolveEdits(text, edits, encoding));
    }
    assert.ok(taken > 300, `${taken} were plain`);
  }),
);

test('G7 an edit costs what lies around it, also in what an edit before it put in', () => {
  const large = 'é'.repeat(1024 * 1024);
  const end = Buffer.byteLength(large);
  const edits = Array.from({ length: 1_000 }, (_none, index) => edit(end - 2 * index, 0, 'x'));
  const took = processorMs(() => resolveEdits('', [edit(0, 0, large), ...edits], 'utf8'));
  assert.ok(took < 1_500, `${took} ms`);
});

test.run();
