/** What holds of every merge of lists, whatever a list is made of: items with and without an id, nodes, lines. */
import * as assert from 'uvu/assert';
import { mergeThreeWay } from '../../../src/domain/merge/merge.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('domain/merge properties');

interface Unit {
  readonly name: string;
  readonly text: string;
}

interface Form {
  readonly contentType: string;
  write(units: readonly Unit[]): string;
  read(content: string): Unit[];
}

const WORDS = 'amber birch cedar dune ember fjord grove heath islet junco kelp larch moss nettle'.split(' ');

/** "Juno: larch moss kelp" */
function sentence({ name, text }: Unit): string {
  return `${name}: ${text}`;
}

function unitOf(sentence: string): Unit {
  const [name = '', text = ''] = sentence.split(': ');
  return { name, text };
}

const rich: Form = {
  contentType: 'application/vnd.studio.prosemirror+yjs',
  write: (units) =>
    JSON.stringify({
      type: 'doc',
      content: units.map((unit) => ({ type: 'paragraph', content: [{ type: 'text', text: sentence(unit) }] })),
    }),
  read: (content) =>
    (JSON.parse(content) as { content?: { content?: { text: string }[] }[] }).content?.map((node) =>
      unitOf((node.content ?? []).map(({ text }) => text).join('')),
    ) ?? [],
};

function lines(separator: string): Form {
  return {
    contentType: 'text/plain',
    write: (units) => units.map((unit) => sentence(unit) + separator).join(''),
    read: (content) =>
      content
        .split('\n')
        .filter((line) => line !== '')
        .map(unitOf),
  };
}

const FORMS: Record<string, Form> = {
  'items with an id': {
    contentType: 'application/json',
    write: (units) => JSON.stringify(units.map(({ name, text }) => ({ id: name, text, done: false }))),
    read: (content) =>
      (JSON.parse(content) as { id: string; text: string }[]).map(({ id: name, text }) => ({ name, text })),
  },
  'items without an id': {
    contentType: 'application/json',
    write: (units) => JSON.stringify(units.map((unit) => ({ ...unit, kind: 'entry', done: false }))),
    read: (content) => (JSON.parse(content) as Unit[]).map(({ name, text }) => ({ name, text })),
  },
  'rich paragraphs': rich,
  lines: lines('\n'),
  'lines with blank ones between': lines('\n\n'),
};

interface Side {
  units: Unit[];
  readonly moved: Set<string>;
}

let count = 0;

function newUnit(random: Random, name = `N${(count += 1)}x${random.int(100, 1_000)}`): Unit {
  const words = random
    .shuffle(WORDS)
    .slice(0, 4)
    .map((word) => word + (count += 1));
  return { name, text: `${words[0]} of the ${words.slice(1).join(' ')} end${count}` };
}

/** One unit is changed, taken out, put in or moved. */
function change(random: Random, side: Side, mayMove: boolean): void {
  const { units } = side;
  const at = random.int(0, units.length + 1);
  const unit = units[at];
  const kind = random.int(0, mayMove ? 4 : 3);
  if (!unit || kind === 0) units.splice(at, 0, newUnit(random));
  else if (kind === 1) units.splice(at, 1);
  else if (kind === 2) units[at] = { name: unit.name, text: unit.text.replace(/\S+$/, `end${(count += 1)}`) };
  else {
    units.splice(at, 1);
    units.splice(random.int(0, units.length + 1), 0, unit);
    side.moved.add(unit.name);
  }
}

function changed(random: Random, base: readonly Unit[], times: number, mayMove: boolean): Side {
  const side: Side = { units: [...base], moved: new Set() };
  for (let left = times; left > 0; left -= 1) change(random, side, mayMove);
  return side;
}

function merge(form: Form, ...sides: [readonly Unit[], readonly Unit[], readonly Unit[]]): [string, number] {
  const [base, ours, theirs] = sides.map((units) => Buffer.from(form.write(units))) as [Buffer, Buffer, Buffer];
  const merged = mergeThreeWay(form.contentType, base, ours, theirs);
  return [Buffer.from(merged.content).toString('utf8'), merged.skipped];
}

/** What is to be there, in any order, and how many of the other side's changes can't be. */
function expected(base: readonly Unit[], ours: Side, theirs: Side): { units: Unit[]; skipped: number } {
  const units: Unit[] = [];
  let skipped = 0;
  const textsOf = (list: readonly Unit[]): Map<string, string> => new Map(list.map(({ name, text }) => [name, text]));
  const [was, mine, other] = [textsOf(base), textsOf(ours.units), textsOf(theirs.units)];
  for (const name of new Set([...mine.keys(), ...other.keys(), ...was.keys()])) {
    const [before, own, their] = [was.get(name), mine.get(name), other.get(name)];
    if (own !== before && their !== before && own !== their) skipped += 1;
    const text = own === before ? their : own;
    if (text !== undefined) units.push({ name, text });
  }
  return { units, skipped };
}

/** Where people moved one unit, another may as well have moved, and then stays though the provider took it out. */
function isSure(unit: Unit, base: readonly Unit[], ours: Side, theirs: Side): boolean {
  const isTakenOut = !theirs.units.some(({ name }) => name === unit.name);
  return ours.moved.size === 0 || !isTakenOut || !base.some((one) => sentence(one) === sentence(unit));
}

function spelled(units: readonly Unit[]): string[] {
  return units.map(sentence).sort();
}

const CASES = 150;

for (const [name, form] of Object.entries(FORMS)) {
  test(
    `G9 ${name}: people's changes stay, the provider's come beside them, and what can't is counted`,
    seeded((random) => {
      for (let round = 0; round < CASES; round++) {
        const base = Array.from({ length: random.int(1, 8) }, () => newUnit(random));
        const mayMove = random.chance(0.5);
        const ours = changed(random, base, random.int(1, 3), mayMove && random.chance(0.3));
        const theirs = changed(random, base, random.int(1, 4), mayMove);
        const [content, skipped] = merge(form, base, ours.units, theirs.units);
        const told = JSON.stringify({ base, ours: ours.units, theirs: theirs.units, content, skipped });
        const want = expected(base, ours, theirs);
        const sure = (units: readonly Unit[]): string[] =>
          spelled(units.filter((unit) => isSure(unit, base, ours, theirs)));
        assert.equal(sure(form.read(content)), sure(want.units), told);
        // What is moved may count as well, where people moved or took out the same.
        assert.ok(mayMove ? skipped >= want.skipped : skipped === want.skipped, told);
      }
    }),
  );

  test(
    `${name}: one side's changes, equal ones, and the same output again`,
    seeded((random) => {
      for (let round = 0; round < CASES / 3; round++) {
        const base = Array.from({ length: random.int(1, 8) }, () => newUnit(random));
        const ours = changed(random, base, 3, true).units;
        const theirs = changed(random, base, 3, true).units;
        assert.equal(merge(form, base, ours, base), [form.write(ours), 0]);
        assert.equal(merge(form, base, base, theirs), [form.write(theirs), 0]);
        assert.equal(merge(form, base, ours, ours), [form.write(ours), 0]);
        const [merged] = merge(form, base, ours, theirs);
        assert.equal(merge(form, theirs, form.read(merged), theirs), [form.write(form.read(merged)), 0]);
      }
    }),
  );
}

test.run();
