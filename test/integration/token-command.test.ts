/** `studio token`: what it makes is a token of this studio's, and what it can't make is said in a sentence. */
import * as assert from 'uvu/assert';
import { ProviderScope, ProviderType } from '../../src/gen/memmie/studio/v1/provider_pb.ts';
import { keepSecret } from '../../src/local/secret.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { connectAs, reasonOf, refused, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { environmentOf } from './local-dev-tree.ts';
import { newFolder, runStudio } from './local-processes.ts';

const test = suite('studio token');
/** Clocks may differ by five seconds, so it is honoured that much longer. */
const EXPIRED_MS_MAX = 30_000;
const dataDir = newFolder('secret');
let parts: TestParts;
let studio: TestStudio;
let environment: NodeJS.ProcessEnv;
test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  environment = await environmentOf(dataDir);
  // As dev has it: a secret kept in the data folder, which the studio is given.
  const secret = keepSecret(dataDir);
  studio = await startStudio({
    parts,
    env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1', STUDIO_JWT_SECRET: secret },
  });
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

async function tokenOf(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runStudio(['token', ...args], environment);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  return stdout.trim();
}

const claimsOf = (token: string): { sub: string; iat: number; exp: number; iss?: string; aud?: string } =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as ReturnType<typeof claimsOf>;

function registerForAll(client: StudioClient): Promise<unknown> {
  return client.providers.registerProvider({
    name: 'for all',
    type: ProviderType.BUILTIN,
    workflowId: 'expander',
    scope: ProviderScope.ALL,
  });
}

test('with the secret that dev keeps: for its user, a day by default', async () => {
  const token = await tokenOf('--user', 'bob');
  const { sub, iat, exp } = claimsOf(token);
  assert.equal([sub, exp - iat], ['bob', 24 * 60 * 60]);
  const bob = connectAs(studio.address, token);
  const { blob } = await bob.blobs.createBlob({ contentType: 'text/plain' });
  assert.is(blob?.userId, 'bob');
  await refused(registerForAll(bob), 'ACCESS_DENIED');
});

test('with --administrator: may what only one may', async () => {
  await registerForAll(connectAs(studio.address, await tokenOf('--user', 'root', '--administrator')));
});

test('with --ttl: as long as that, then TOKEN_EXPIRED', async () => {
  const week = await tokenOf('--user', 'eve', '--ttl', '7d');
  assert.is(claimsOf(week).exp - claimsOf(week).iat, 7 * 24 * 60 * 60);
  await connectAs(studio.address, week).blobs.listBlobs({});
  const second = connectAs(studio.address, await tokenOf('--user', 'eve', '--ttl', '1s'));
  const isRefused = async (): Promise<string | false | undefined> => {
    const outcome: unknown = await second.blobs.listBlobs({}).catch((error: unknown) => error);
    return outcome instanceof Error && reasonOf(outcome);
  };
  assert.is(await eventually('it expires', isRefused, EXPIRED_MS_MAX), 'TOKEN_EXPIRED');
});

test('with the issuer and the audience that a token must have', async () => {
  const demanded = { STUDIO_JWT_ISSUER: 'https://issuer.example/', STUDIO_JWT_AUDIENCE: 'studio' };
  const { stdout } = await runStudio(['token', '--user', 'bob'], { ...environment, ...demanded });
  const { iss, aud } = claimsOf(stdout);
  assert.equal([iss, aud], Object.values(demanded));
});

test('STUDIO_JWT_SECRET goes before the one that is kept', async () => {
  const { stdout } = await runStudio(['token', '--user', 'bob'], { ...environment, STUDIO_JWT_SECRET: 'x'.repeat(32) });
  await refused(connectAs(studio.address, stdout.trim()).blobs.listBlobs({}), 'TOKEN_INVALID');
});

test('what is wrong with a command or a setting is said in two lines', async () => {
  const empty = newFolder('empty');
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], 'A token is for somebody.'],
    [['--user', ''], 'A token is for somebody.'],
    [['--user', 'x'.repeat(257)], 'The name of a user has at most 256 characters.'],
    [['--user', 'bob', '--ttl', '1w'], '"1w" is not a duration.'],
    [['--user', 'bob', '--admin'], "Unknown option '--admin'."],
    [['--user', 'bob', '--repair'], 'studio token takes no --repair.'],
    [['bob'], '"bob" is one word too many.'],
    [['--user'], "Option '--user <value>' argument missing."],
  ];
  const outcomes = await Promise.all(
    cases.map(async ([args, sentence]) => ({ sentence, ...(await runStudio(['token', ...args], environment)) })),
  );
  const none = await runStudio(['token', '--user', 'bob'], { ...environment, STUDIO_DATA_DIR: empty });
  outcomes.push({ ...none, sentence: `There is no secret to sign with: STUDIO_JWT_SECRET is not set, and ${empty}` });
  const issued = await runStudio(['token', '--user', 'bob'], {
    ...environment,
    STUDIO_JWKS_URL: 'https://issuer.example/keys',
  });
  outcomes.push({ ...issued, sentence: 'This studio takes tokens of the issuer of STUDIO_JWKS_URL alone' });
  for (const [settings, command, sentence] of [
    [{ STUDIO_PORT: 'http' }, 'doctor', 'STUDIO_PORT is "http"; it must be a port, 0 to 65535.'],
    [{ STUDIO_LOG_LEVEL: 'loud' }, 'serve', 'STUDIO_LOG_LEVEL is "loud"; it must be debug,'],
    [{ STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'serve', 'STUDIO_MONGODB_URL is not set;'],
    [{}, 'worker', 'STUDIO_TEMPORAL_ADDRESS is not set;'],
  ] as const) {
    outcomes.push({ ...(await runStudio([command], { ...environment, ...settings })), sentence });
  }
  for (const { sentence, code, stdout, stderr } of outcomes) {
    assert.equal([code, stdout], [1, ''], sentence);
    assert.ok(stderr.startsWith(sentence), stderr);
    assert.is(stderr.trim().split('\n').length, 2, stderr);
  }
});

test.run();
