/** Attribution against a model in which every character and value says by itself who wrote it. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { attribute } from '../../../src/domain/attribution/attribute.ts';
import { OriginBlock } from '../../../src/domain/attribution/origin-block.ts';
import { Origins } from '../../../src/domain/attribution/origins.ts';
import type { AttributedRange } from '../../../src/domain/attribution/ranges.ts';
import { createDocument, JSON_ROOT_KEY } from '../../../src/domain/content/document.ts';
import { readJson } from '../../../src/domain/content/json-document.ts';
import { isArray, isObject, type JsonValue } from '../../../src/domain/content/json-value.ts';
import { RICH_CONTENT_TYPE, YJS_CONTENT_TYPE } from '../../../src/domain/content/shape.ts';
import type { Delta } from '../../../src/domain/delta.ts';
import { OriginPieces } from '../../../src/documents/origins/origin-pieces.ts';
import { ORIGINS_BLOCK_VERSIONS, ORIGINS_PIECE_VERSIONS } from '../../../src/limits.ts';
import { firstOfCommit } from '../../../src/storage/log/commit-document.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('attribution');

/** A server's log with its document, and replicas that fall behind it and write. */
class World {
  readonly #origins = new Origins();
  readonly log: Delta[] = [];
  readonly doc: Y.Doc;
  readonly #replicas = new Map<string, { doc: Y.Doc; seen: number }>();

  constructor(options: { gc: boolean }) {
    this.doc = createDocument(options);
  }

  get next(): number {
    return this.log.length + 1;
  }

  replica(userId: string): { doc: Y.Doc; seen: number } {
    let replica = this.#replicas.get(userId);
    if (!replica) this.#replicas.set(userId, (replica = { doc: new Y.Doc(), seen: 0 }));
    return replica;
  }

  catchUp(userId: string, upTo = this.log.length): void {
    const replica = this.replica(userId);
    for (; replica.seen < upTo; replica.seen++) {
      for (const update of this.log[replica.seen]?.updates ?? []) Y.applyUpdate(replica.doc, update);
    }
  }

  /** What `edit` does on the author's replica becomes the next version. */
  write(userId: string, edit: (doc: Y.Doc) => void, providerId?: string): void {
    const { doc } = this.replica(userId);
    const updates: Uint8Array[] = [];
    const collect = (update: Uint8Array): void => void updates.push(update);
    doc.on('update', collect);
    edit(doc);
    doc.off('update', collect);
    const toVersion = this.next;
    const [operation, appliedAt] = ['update' as const, new Date(toVersion * 1_000)];
    // Commits of three.
    const id = `commit-${(toVersion - 1) % 3}`;
    this.log.push({ id, toVersion, userId, providerId, operation, appliedAt, updates } as unknown as Delta);
    for (const update of updates) Y.applyUpdate(this.doc, update);
  }

  /** As far as the log is now. */
  get origins(): Origins {
    const after = this.#origins.version;
    this.#origins.addBlock(this.block(after, this.log.length), this.log.length);
    return this.#origins;
  }

  block(after: number, last: number): OriginBlock {
    return OriginBlock.of(after, this.log.slice(after, last), firstOfCommit);
  }
}

const AUTHORS = ['ann', 'bob', 'cid'];

/** Characters that occur once each, half of them outside the BMP. */
function* uniqueCharacters(): Generator<string> {
  for (let code = 0; ; code++) yield String.fromCodePoint(code % 2 === 0 ? 0x4e00 + code / 2 : 0x20000 + code);
}

function typeSomething(random: Random, doc: Y.Doc, fresh: Generator<string>): string {
  const text = doc.getText('content');
  const characters = Array.from(text.toJSON());
  const at = random.int(0, characters.length + 1);
  const offset = characters.slice(0, at).join('').length;
  if (random.chance(0.35) && at < characters.length) {
    const gone = characters.slice(at, at + random.int(1, 6)).join('');
    text.delete(offset, gone.length);
  }
  if (random.chance(0.15)) return '';
  const written = Array.from({ length: random.int(1, 5) }, () => fresh.next().value as string).join('');
  text.insert(offset, written);
  return written;
}

/** Range by range, each character's version. */
function versionsOf(ranges: readonly AttributedRange[], text: string): number[] {
  let end = 0;
  const versions: number[] = [];
  for (const { place, version } of ranges) {
    assert.is(place.kind, 'text');
    if (place.kind !== 'text') continue;
    assert.is(place.text.start, end, 'ranges follow each other');
    assert.ok(place.text.end > place.text.start);
    for (let at = place.text.start; at < place.text.end; at++) versions.push(version);
    end = place.text.end;
  }
  assert.is(end, Array.from(text).length, 'ranges cover the text');
  return versions;
}

test(
  'text: each character belongs to the delta that inserted it, whatever was concurrent, deleted or undone',
  seeded((random) => {
    for (const gc of [true, false, true, false]) {
      const world = new World({ gc });
      const fresh = uniqueCharacters();
      // More than one only where two authors brought the same character back without knowing of each other.
      const writers = new Map<string, number[]>();
      const undo = new Map(
        AUTHORS.map((author) => {
          const { doc } = world.replica(author);
          return [author, new Y.UndoManager(doc.getText('content'), { captureTimeout: 0 })];
        }),
      );
      world.doc.getText('content');
      for (let round = 0; round < 250; round++) {
        const author = random.pick(AUTHORS);
        if (random.chance(0.6)) world.catchUp(author, random.int(world.replica(author).seen, world.next));
        const version = world.next;
        if (random.chance(0.1)) {
          const shownBefore = new Set(world.replica(author).doc.getText('content').toJSON());
          world.write(author, () => void undo.get(author)?.undo());
          const shownAfter = world.replica(author).doc.getText('content').toJSON();
          // What came back came as this delta's, unless it was never away.
          for (const character of shownAfter) if (!shownBefore.has(character)) writers.get(character)?.push(version);
        } else {
          let written = '';
          world.write(author, (doc) => {
            written = typeSomething(random, doc, fresh);
          });
          for (const character of written) writers.set(character, [version]);
        }
        // The author has its own edits already; the replica's log position moves when it has seen all before them.
        if (round % 40 !== 39) continue;
        const text = world.doc.getText('content').toJSON();
        const ranges = attribute(world.doc, 'text/plain', world.origins, 'delta');
        const versions = versionsOf(ranges, text);
        for (const [index, character] of Array.from(text).entries()) {
          assert.ok(writers.get(character)?.includes(versions[index] ?? 0), `round ${round}, character ${index}`);
        }
        for (const [index, range] of ranges.entries()) {
          assert.is(range.firstVersion, range.version);
          assert.is.not(range.version, ranges[index + 1]?.version, 'neighbours differ');
        }
        const byAuthor = attribute(world.doc, 'text/plain', world.origins, 'author');
        const authors = versionsOf(byAuthor, text).map((version_) => world.origins.authorOf(version_)?.userId);
        assert.equal(
          authors,
          versions.map((version_) => world.origins.authorOf(version_)?.userId),
        );
        for (const [index, range] of byAuthor.entries()) {
          const next = byAuthor[index + 1];
          if (next) assert.is.not(world.origins.authorNumber(range.version), world.origins.authorNumber(next.version));
        }
      }
    }
  }),
);

/** The version a pointer's value is of: that of the longest pointer above or at it. */
function versionAt(ranges: readonly AttributedRange[], pointer: string): number | undefined {
  let best: AttributedRange | undefined;
  let length = -1;
  for (const range of ranges) {
    if (range.place.kind !== 'pointer') continue;
    const at = range.place.pointer;
    if ((pointer === at || pointer.startsWith(`${at}/`)) && at.length > length) [best, length] = [range, at.length];
  }
  return best?.version;
}

function leaves(value: JsonValue, pointer: string): [string, number][] {
  if (typeof value === 'number') return [[pointer, value]];
  if (isArray(value)) return value.flatMap((item, index) => leaves(item, `${pointer}/${index}`));
  if (isObject(value)) return Object.entries(value).flatMap(([key, item]) => leaves(item, `${pointer}/${key}`));
  return [];
}

function changeJson(random: Random, doc: Y.Doc, fresh: () => number): void {
  const make = (depth: number): unknown => {
    if (depth === 0 || random.chance(0.5)) return fresh();
    if (random.chance(0.5))
      return Y.Array.from(Array.from({ length: random.int(1, 4) }, () => make(depth - 1)) as never[]);
    return new Y.Map(Array.from({ length: random.int(1, 3) }, (_, index) => [`k${index}`, make(depth - 1)] as const));
  };
  let at: unknown = doc.getMap('content').get(JSON_ROOT_KEY);
  for (let depth = 0; depth < 5 && at instanceof Y.Map; depth++) {
    const inner: unknown = random.chance(0.6) ? at.get(random.pick([...at.keys(), 'k0'])) : undefined;
    if (inner instanceof Y.Map || inner instanceof Y.Array) at = inner;
    else break;
  }
  if (at instanceof Y.Array) {
    const index = random.int(0, at.length + 1);
    if (random.chance(0.3) && index < at.length) at.delete(index, 1);
    at.insert(Math.min(index, at.length), [fresh(), make(1)] as never[]);
  } else if (at instanceof Y.Map) at.set(`k${random.int(0, 4)}`, make(2));
}

test(
  'JSON: each value belongs to the delta that set it, by pointer',
  seeded((random) => {
    const world = new World({ gc: true });
    let number = 0;
    const writers = new Map<number, number>();
    const fresh = (): number => {
      number += 1;
      writers.set(number, world.next);
      return number;
    };
    world.write('ann', (doc) => doc.getMap('content').set(JSON_ROOT_KEY, new Y.Map([['k0', fresh()]])));
    for (let round = 0; round < 200; round++) {
      const author = random.pick(AUTHORS);
      if (random.chance(0.7) || world.replica(author).seen === 0) world.catchUp(author);
      world.write(author, (doc) => changeJson(random, doc, fresh));
      if (round % 20 !== 19) continue;
      const ranges = attribute(world.doc, 'application/json', world.origins, 'delta');
      const found = leaves(readJson(world.doc), '');
      assert.ok(found.length > 0);
      for (const [pointer, value] of found) assert.is(versionAt(ranges, pointer), writers.get(value), pointer);
      const pointers = ranges.map(({ place }) => (place.kind === 'pointer' ? place.pointer : '?'));
      assert.is(new Set(pointers).size, pointers.length, 'no pointer twice');
    }
  }),
);

test('binary: the whole is its last writer’s', () => {
  const world = new World({ gc: true });
  for (const author of ['ann', 'bob']) {
    world.catchUp(author);
    world.write(author, (doc) => doc.getMap('content').set('root', { sha256: author, bytes: 1 }));
  }
  assert.equal(attribute(world.doc, 'image/png', world.origins, 'delta'), [
    { place: { kind: 'pointer', pointer: '' }, version: 2, firstVersion: 2 },
  ]);
});

test('rich: nodes, attributes and stretches of text, each where it is not as what it lies in', () => {
  const world = new World({ gc: true });
  world.write('ann', (doc) => {
    const words = new Y.XmlText('one three');
    const paragraph = new Y.XmlElement('paragraph');
    paragraph.insert(0, [words]);
    doc.getXmlFragment('default').insert(0, [paragraph]);
  });
  const paragraphOf = (doc: Y.Doc, index: number): Y.XmlElement =>
    doc.getXmlFragment('default').get(index) as Y.XmlElement;
  world.catchUp('bob');
  world.write('bob', (doc) => (paragraphOf(doc, 0).get(0) as Y.XmlText).insert(4, 'two😀 '));
  world.write('bob', (doc) => paragraphOf(doc, 0).setAttribute('align', 'left'));
  world.write('bob', (doc) => doc.getXmlFragment('default').insert(0, [new Y.XmlElement('rule')]));
  assert.equal(attribute(world.doc, RICH_CONTENT_TYPE, world.origins, 'delta'), [
    { place: { kind: 'rich', path: [0] }, version: 4, firstVersion: 4 },
    { place: { kind: 'rich', path: [1] }, version: 1, firstVersion: 1 },
    { place: { kind: 'rich', path: [1], attribute: 'align' }, version: 3, firstVersion: 3 },
    { place: { kind: 'rich', path: [1, 0], text: { start: 4, end: 9 } }, version: 2, firstVersion: 2 },
  ]);
});

test('opaque: the authors of each root', () => {
  const world = new World({ gc: true });
  world.write('ann', (doc) => doc.getText('notes').insert(0, 'ab'));
  world.catchUp('bob');
  world.write('bob', (doc) => doc.getText('notes').insert(1, 'X'));
  world.write('bob', (doc) => doc.getMap('a/b').set('x', 1));
  assert.equal(attribute(world.doc, YJS_CONTENT_TYPE, world.origins, 'delta'), [
    { place: { kind: 'pointer', pointer: '/a~1b' }, version: 3, firstVersion: 3 },
    { place: { kind: 'pointer', pointer: '/notes' }, version: 2, firstVersion: 2 },
    { place: { kind: 'pointer', pointer: '/notes' }, version: 1, firstVersion: 1 },
  ]);
});

test(
  'origins made of stored blocks say what those made of the log say',
  seeded((random) => {
    const world = new World({ gc: true });
    world.doc.getText('content');
    for (const author of AUTHORS) world.catchUp(author);
    for (let count = ORIGINS_BLOCK_VERSIONS * 2 + 50; count > 0; count--) {
      const author = random.pick(AUTHORS);
      const provider = random.chance(0.01) ? 'provider' : undefined;
      world.write(author, (doc) => doc.getText('content').insert(0, 'xy'.slice(0, random.int(1, 3))), provider);
    }
    const read = new Origins();
    for (const after of [0, ORIGINS_BLOCK_VERSIONS]) {
      const block = world.block(after, after + ORIGINS_BLOCK_VERSIONS);
      const bytes = block.encode();
      assert.ok(bytes.byteLength < ORIGINS_BLOCK_VERSIONS * 13, String(bytes.byteLength));
      const decoded = OriginBlock.decode(bytes) as OriginBlock;
      assert.equal(decoded.facts, block.facts);
      assert.equal(decoded.clocks, block.clocks);
      read.addBlock(decoded, after + ORIGINS_BLOCK_VERSIONS);
    }
    // A part of a block, and then the whole of it.
    for (const last of [world.log.length - 20, world.log.length])
      read.addBlock(world.block(read.version - (read.version % ORIGINS_BLOCK_VERSIONS), last), last);
    for (let version = 1; version < world.next; version += 7) {
      assert.equal(read.authorOf(version), world.origins.authorOf(version));
      assert.is(read.commitOf(version), world.origins.commitOf(version));
    }
    for (const author of AUTHORS) {
      const { clientID } = world.replica(author).doc;
      for (let clock = 0; clock < 5_000; clock += 3)
        assert.equal(read.at(clientID, clock), world.origins.at(clientID, clock));
    }
    assert.equal(
      attribute(world.doc, 'text/plain', read, 'delta'),
      attribute(world.doc, 'text/plain', world.origins, 'delta'),
    );
    assert.is(OriginBlock.decode(Uint8Array.of(99)), undefined);
  }),
);

test('a block put together of its pieces is the block, and one that lacks a piece is none', () => {
  const world = new World({ gc: true });
  for (let count = ORIGINS_BLOCK_VERSIONS * 2; count > 0; count--) {
    const author = AUTHORS[count % AUTHORS.length] ?? 'ann';
    world.write(author, (doc) => doc.getText('content').insert(0, 'x'));
  }
  const pieces = new OriginPieces();
  /** The room is at `version`, and has no delta up to `floor` any more. */
  const keep = (version: number, floor: number): void => {
    const recent = (first: number, last: number): Delta[] | undefined =>
      first > floor ? world.log.slice(first - 1, last) : undefined;
    pieces.keep({ blobId: 'blob', version, recent });
  };
  for (const version of [ORIGINS_PIECE_VERSIONS, 300, ORIGINS_PIECE_VERSIONS * 2, ORIGINS_BLOCK_VERSIONS + 3])
    keep(version, Math.max(0, version - ORIGINS_BLOCK_VERSIONS / 2 - 3));
  keep(ORIGINS_BLOCK_VERSIONS * 2, ORIGINS_BLOCK_VERSIONS + 4);
  assert.is(pieces.take('another', 0), undefined);
  const whole = OriginBlock.decode(pieces.take('blob', 0) ?? new Uint8Array());
  assert.equal(whole, world.block(0, ORIGINS_BLOCK_VERSIONS));
  assert.is(pieces.take('blob', 0), undefined, 'it was let go');
  assert.is(pieces.take('blob', ORIGINS_BLOCK_VERSIONS), undefined);
});

test('what the log no longer says has version 0', () => {
  const world = new World({ gc: true });
  for (let count = 40; count > 0; count--) world.write('ann', (doc) => doc.getText('content').insert(0, 'x'));
  const left = new Origins();
  left.addBlock(new OriginBlock(0, world.block(0, 10).facts, world.block(0, 10).clocks), 30);
  left.addBlock(world.block(30, 40), 40);
  assert.equal(
    attribute(world.doc, 'text/plain', left, 'author').map(({ place, version }) => [
      place.kind === 'text' && place.text,
      version,
    ]),
    [
      [{ start: 0, end: 10 }, 40],
      [{ start: 10, end: 30 }, 0],
      [{ start: 30, end: 40 }, 10],
    ],
  );
  const origins = new Origins();
  assert.equal(origins.at(7, 0), { version: 0, end: Number.MAX_SAFE_INTEGER });
  assert.is(origins.authorOf(0), undefined);
  assert.is(origins.authorNumber(3), -1);
});

test.run();
