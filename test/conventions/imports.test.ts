/** Who may import whom. One way: transport → documents → storage → events → workers. */
import * as assert from 'uvu/assert';
import { suite } from '../harness/suite.ts';
import { importsOf, packageOf, readSources, readTypeScript, type Import } from './sources.ts';

const test = suite('conventions: imports');

/** The composition roots: they alone may cross folders as they like. */
const ROOTS = ['src/engine.ts', 'src/app.ts', 'src/worker.ts', 'src/main.ts'];
/** Open to every folder. */
const GROUND = ['src/errors.ts', 'src/limits.ts', 'src/failpoints.ts'];
/** Beside every folder's contract.ts, the domain and the ground. What a root hands down may be named by its type. */
const MAY_IMPORT: Readonly<
  Record<string, { readonly values?: readonly string[]; readonly types?: readonly string[] }>
> = {
  access: { values: ['src/storage/'] },
  'config.ts': {},
  domain: {},
  documents: { values: ['src/storage/'] },
  events: { types: ['src/storage/'] },
  // A NATS is asked with the login that the studio connects with.
  local: { values: ['src/events/nats-url.ts'], types: ['src/config.ts'] },
  providers: {},
  storage: {},
  transport: { values: ['src/gen/'], types: ['src/config.ts'] },
  workers: { values: ['src/gen/'], types: ['src/providers/'] },
};
/** A program of its own that uses the studio from outside; it may borrow what it needs to name a studio and a user. */
const CLIENT_PROGRAMS = ['demo'];

/** Each package's one home. A package missing here has none yet: give it one. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  mongodb: ['storage'],
  nats: ['events'],
  '@temporalio/activity': ['workers'],
  '@temporalio/client': ['workers'],
  '@temporalio/common': ['workers'],
  '@temporalio/worker': ['workers'],
  '@temporalio/workflow': ['workers'],
  '@bufbuild/protobuf': ['transport'],
  '@bufbuild/protovalidate': ['transport'],
  '@connectrpc/connect': ['transport'],
  '@connectrpc/connect-node': ['transport'],
  '@connectrpc/validate': ['transport'],
  '@grpc/grpc-js': ['transport'],
  '@httptoolkit/httpolyglot': ['transport'],
  ws: ['transport'],
  'y-protocols': ['transport'],
  jose: ['transport'],
  yjs: ['domain', 'documents'],
  lib0: ['domain', 'documents', 'transport'],
  ajv: ['domain'],
  canonicalize: ['domain'],
  'fast-diff': ['domain'],
  re2js: ['domain'],
  'markdown-it': ['workers'],
};
/** Within documents: each imports only what stands before it. What is on top of the folder is first, or last of all. */
const DOCUMENT_LAYERS = [
  'retention-contract.ts',
  'contract.ts',
  'log',
  'memory',
  'checkpoints',
  'history',
  'commits',
  'trials',
  'rooms',
  'origins',
  'reads',
  'writes',
  'retention',
  'engine.ts',
  'audit',
];
/** Made once by a root and handed down: elsewhere only their types. */
const HANDED_DOWN = ['pino', 'prom-client'];
const DOMAIN_NODE_MODULES = ['node:buffer', 'node:crypto', 'node:util'];

const sources = readTypeScript('src');
const imports = sources.flatMap(importsOf);
const folderOf = (path: string): string => path.split('/')[1] ?? '';
const isRelative = (target: string): boolean => target.startsWith('src/') || !/^[@\w]/.test(target);

function refused(judge: (found: Import) => boolean): string[] {
  return imports.filter((found) => !judge(found)).map(({ from, target }) => `${from} imports ${target}`);
}

test('there is something to judge', () => {
  assert.ok(sources.length > 50 && imports.length > 200);
  const text =
    "import type { A } from './a.ts';\nimport {\n  type B,\n  c,\n} from '@x/y/z';\nconst d = await import('d');\n";
  const found = importsOf({ path: 'src/q/r.ts', text });
  assert.equal(found, [
    { from: 'src/q/r.ts', target: 'src/q/a.ts', typeOnly: true },
    { from: 'src/q/r.ts', target: '@x/y/z', typeOnly: false },
    { from: 'src/q/r.ts', target: 'd', typeOnly: false },
  ]);
  assert.is(packageOf('@x/y/z'), '@x/y');
});

test('folders import only contracts, the domain and what lies downstream of them', () => {
  const bad = refused(({ from, target, typeOnly }) => {
    if (!isRelative(target) || ROOTS.includes(from) || target.startsWith(`src/${folderOf(from)}/`)) return true;
    if (
      GROUND.includes(target) ||
      (from === 'src/limits.ts' && target.startsWith('src/limits/')) ||
      (GROUND.includes(from) && target.startsWith('src/domain/'))
    )
      return true;
    if (!target.startsWith('src/')) return false;
    const folder = folderOf(from);
    if (CLIENT_PROGRAMS.includes(folder)) return true;
    const rule = MAY_IMPORT[folder];
    if (!rule) return false;
    if (folder !== 'domain' && (target.startsWith('src/domain/') || /^src\/[^/]+\/contract\.ts$/.test(target)))
      return true;
    const within = (allowed: readonly string[] = []): boolean => allowed.some((prefix) => target.startsWith(prefix));
    return within(rule.values) || (typeOnly && within(rule.types));
  });
  assert.equal(bad, []);
});

test('a folder of documents imports only what a delta passes before it', () => {
  const layerOf = (path: string): number => DOCUMENT_LAYERS.indexOf(path.split('/')[2] ?? '');
  const within = imports.filter(
    ({ from, target }) => folderOf(from) === 'documents' && target.startsWith('src/documents/'),
  );
  assert.ok(within.length > 200);
  assert.equal(
    within.filter(({ from }) => layerOf(from) === -1).map(({ from }) => from),
    [],
  );
  assert.equal(
    within
      .filter(({ from, target }) => layerOf(target) > layerOf(from))
      .map(({ from, target }) => `${from} imports ${target}`),
    [],
  );
});

test('the domain does no I/O', () => {
  const bad = refused(
    ({ from, target }) =>
      folderOf(from) !== 'domain' || !target.startsWith('node:') || DOMAIN_NODE_MODULES.includes(target),
  );
  assert.equal(bad, []);
});

test('each package has one home', () => {
  const bad = refused(({ from, target, typeOnly }) => {
    if (isRelative(target) || target.startsWith('node:') || CLIENT_PROGRAMS.includes(folderOf(from))) return true;
    const name = packageOf(target);
    if (HANDED_DOWN.includes(name))
      return typeOnly || ROOTS.includes(from) || (name === 'prom-client' && folderOf(from) === 'transport');
    return HOMES[name]?.includes(folderOf(from)) ?? false;
  });
  assert.equal(bad, []);
});

test('node modules are named with their prefix', () => {
  const bare = refused(
    ({ target }) =>
      !/^(assert|buffer|child_process|crypto|events|fs|http2?|net|os|path|stream|url|util)(\/|$)/.test(target),
  );
  assert.equal(bare, []);
});

test('relative imports end in .ts and stay inside the project', () => {
  const everywhere = readSources((path) => path.endsWith('.ts')).flatMap(importsOf);
  const bad = everywhere.filter(
    ({ target }) => (target.startsWith('src/') || target.startsWith('test/')) && !/\.(ts|json)$/.test(target),
  );
  assert.equal(bad, []);
  assert.equal(
    everywhere.filter(({ target }) => target.startsWith('..')),
    [],
  );
});

test('uvu itself is imported by the harness alone', () => {
  const users = readSources((path) => path.endsWith('.ts'))
    .flatMap(importsOf)
    .filter(({ target }) => target === 'uvu')
    .map(({ from }) => from);
  assert.equal(users, ['test/harness/suite.ts']);
});

test.run();
