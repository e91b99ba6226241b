/** Names, sizes, words, and what lies where. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NODE_MIN } from '../../src/local/doctor.ts';
import { projectRoot } from '../harness/paths.ts';
import { suite } from '../harness/suite.ts';
import { lines, readSources, readTypeScript, type Source } from './sources.ts';

const test = suite('conventions: tidy');
const FILE_LINES_MAX = 300;
/** Tests list cases, which read better in one place. */
const TEST_FILE_LINES_MAX = 400;
const TOP_LEVEL = new Set(
  (
    'package.json package-lock.json README.md LICENSE NOTICE buf.yaml buf.gen.yaml tsconfig.json tsconfig.build.json ' +
    'src proto clients bench test deploy node_modules dist'
  ).split(' '),
);
const RULES_ON = [
  'typescript/no-floating-promises',
  'typescript/no-misused-promises',
  'typescript/no-explicit-any',
  'import/no-default-export',
  'import/no-cycle',
  'no-console',
];
/** Their time is compared with one that is stored, in a token, or another program's. Workflows' clock is Temporal's. */
const WALL_CLOCK_IN = [
  'src/documents/checkpoints/compaction.ts',
  'src/documents/checkpoints/packed-runs.ts',
  'src/documents/commits/committer.ts',
  'src/documents/log/quarantine.ts',
  'src/documents/reads/reads.ts',
  'src/documents/rooms/readable.ts',
  'src/documents/rooms/room.ts',
  'src/domain/ids.ts',
  'src/events/sweep.ts',
  'src/storage/leases.ts',
  'src/storage/log/committers.ts',
  'src/transport/auth/authentication.ts',
  'src/transport/auth/expiry.ts',
  'src/transport/auth/tokens.ts',
  'src/transport/grpc/call-context.ts',
  'src/transport/sync/token-watch.ts',
  'src/workers/client.ts',
];
const here = 'test/conventions/tidy.test.ts';
const typeScript = readSources((path) => path.endsWith('.ts'));

function offenders(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

test('files are named in kebab-case, after what they hold', () => {
  const bad = typeScript
    .map(({ path }) => path)
    .filter((path) => {
      const name = path.split('/').at(-1) ?? '';
      return (
        !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(name) ||
        /^(utils?|helpers?|common|misc|shared|index)\.ts$/.test(name)
      );
    })
    // Temporal's bundler and a package's users want one entry each.
    .filter((path) => !/^(src\/workers\/[a-z]+|clients\/(node|web)\/src)\/index\.ts$/.test(path));
  assert.equal(bad, []);
});

test(`no file has more than ${FILE_LINES_MAX} lines`, () => {
  const long = typeScript
    .filter(({ path, text }) => lines(text) > (path.startsWith('test/') ? TEST_FILE_LINES_MAX : FILE_LINES_MAX))
    .map(({ path, text }) => `${path}: ${lines(text)}`);
  assert.equal(long, []);
});

test('the clock of the day, which may step, is asked for times that are stored or come from outside, not for spans', () => {
  const asking = typeScript
    .filter(({ path, text }) => path.startsWith('src/') && /\bDate\.now\(/.test(text))
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('src/workers/workflows/'));
  assert.equal(asking.sort(), WALL_CLOCK_IN);
});

test('the environment is read in config.ts only', () => {
  const elsewhere = readTypeScript('src').filter(({ path }) => path !== 'src/config.ts');
  assert.equal(offenders(elsewhere, /process\.env\b|process\[['"]env|from 'node:process'/), []);
});

test('the checks that hold the rest are on, and nothing switches them off', () => {
  const { rules } = JSON.parse(readFileSync(join(projectRoot, '.oxlintrc.json'), 'utf8')) as {
    rules: Record<string, string>;
  };
  for (const rule of RULES_ON) {
    assert.is(rules[rule], 'error', rule);
  }
  const { compilerOptions } = JSON.parse(readFileSync(join(projectRoot, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: Record<string, unknown>;
  };
  for (const option of ['strict', 'noUncheckedIndexedAccess', 'verbatimModuleSyntax'])
    assert.is(compilerOptions[option], true, option);
  const others = typeScript.filter(({ path }) => path !== here);
  assert.equal(offenders(others, /(oxlint|eslint)-disable|@ts-(ignore|expect-error|nocheck)|prettier-ignore/), []);
});

test('types can be stripped: no enums, namespaces, parameter properties or decorators', () => {
  const needsCompiler =
    /^\s*(export\s+)?(declare\s+)?(const\s+)?(enum|namespace)\s+\w+\s*\{|constructor\([^{]*\b(private|public|protected|readonly)\s+\w+:/;
  assert.equal(offenders(typeScript, needsCompiler), []);
});

test('nothing is left to be done later', () => {
  const others = readSources((path) => path !== here);
  assert.equal(
    offenders(others, /(\/\/|\*|#).*\b(TODO|FIXME|XXX|HACK|WIP)\b|\b([Pp]laceholder|[Ss]tub|[Dd]ummy)\b|\bfor now\b/),
    [],
  );
});

test('the project speaks of itself alone', () => {
  const others = readSources((path) => path !== here);
  const process =
    /\b(AI|LLM|GPT|Claude|Anthropic|OpenAI|Copilot|founders?|roadmap|[Ii]ssue #?\d+|DESIGN\.md|EXAMPLES\.md)\b|\/work\/|\/tmp\/probe/;
  assert.equal(offenders(others, process), []);
});

test('the top level holds only what belongs there', () => {
  const found = readdirSync(projectRoot).filter((name) => !name.startsWith('.'));
  assert.equal(
    found.filter((name) => !TOP_LEVEL.has(name)),
    [],
  );
});

test('the Node that is asked for is the least that all dependencies work with, and is the same everywhere', () => {
  interface Locked {
    readonly packages: Readonly<Record<string, { engines?: { node?: string }; optional?: boolean }>>;
  }
  const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as Locked;
  const later = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });
  const demanded = Object.entries(lock.packages).flatMap(([path, { engines, optional }]) => {
    if (!path.startsWith('node_modules/') || optional) return [];
    const versions = (engines?.node ?? '').split('||').map((range) => /(?:>=|\^) *([\d.]+)/.exec(range)?.[1] ?? '0');
    // Of a range of several lines, what it asks of the earliest from Node 20 on.
    return versions.sort(later).find((version) => later(version, '20') >= 0) ?? [];
  });
  assert.is(`${demanded.sort(later).at(-1)}`.replace(/\.0$/, ''), NODE_MIN);
  assert.is(lock.packages['']?.engines?.node, `>=${NODE_MIN}`);
  const manifest = readFileSync(join(projectRoot, 'package.json'), 'utf8');
  assert.is((JSON.parse(manifest) as { engines: { node: string } }).engines.node, `>=${NODE_MIN}`);
  assert.match(readFileSync(join(projectRoot, 'README.md'), 'utf8'), `Node ${NODE_MIN}+`);
});

test('what runs dist builds it first', () => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  for (const name of ['test', 'bench', 'campaign']) assert.is(scripts[`pre${name}`], 'npm run --silent build', name);
});

test("README's commands: npm keeps the flags after a script's name to itself, unless -- is between", () => {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/npm run (?:--silent )?(\w+)([^`\n]*)/g)];
  assert.ok(commands.length > 5);
  const bad = commands.filter(([, , rest = '']) => !/^( -- |$| +#)/.test(rest));
  assert.equal(
    bad.map(([command]) => command),
    [],
  );
});

test('settings have one place: every variable config.ts reads is in its documentation, and only STUDIO_ ones', () => {
  const { text } = readTypeScript('src').find(({ path }) => path === 'src/config.ts') ?? { text: '' };
  const read = [...text.matchAll(/'(STUDIO_[A-Z_]+)'/g)].map((match) => match[1]);
  assert.ok(read.length > 10);
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const documented = `${readme}\n${readSources((path) => path === 'src/README.md')
    .map((source) => source.text)
    .join('')}`;
  assert.equal(
    [...new Set(read)].filter((name) => !documented.includes(name ?? '?')),
    [],
  );
});

test.run();
