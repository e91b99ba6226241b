import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config.ts';
import { SettingError } from '../../src/errors.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { suite } from '../harness/suite.ts';

const test = suite('settings');

function refusalOf(env: Readonly<Record<string, string>>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof SettingError) return error.message;
    throw error;
  }
  return 'none';
}

test('what is no URL, address, content type or failpoint is refused at the start, and is not repeated', () => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    STUDIO_MONGODB_URL: ['foo', 'https://db.example', 'mongodb://'],
    STUDIO_NATS_URL: ['nats://', 'nats://ann:secret@a:4222,b:4222'],
    STUDIO_TEMPORAL_ADDRESS: ['http://temporal:7233', '::1:7233'],
    STUDIO_JWKS_URL: ['foo', 'file:///keys'],
    STUDIO_SYNC_CREATE: ['foo', 'image/png', 'text/plain; charset=latin1'],
    STUDIO_FAILPOINTS: ['bad', 'commit.before_insert', 'no.such=kill'],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const refusal = refusalOf({ [name]: value });
      assert.match(refusal, new RegExp(`^${name} must be [^\\n]+\\.$`), value);
      assert.not.match(refusal, 'secret');
    }
  }
});

test('what is right is taken', () => {
  const right = {
    STUDIO_MONGODB_URL: 'mongodb://ann:secret@a:27017,b:27017/db?replicaSet=rs',
    STUDIO_NATS_URL: '127.0.0.1:4222',
    STUDIO_TEMPORAL_ADDRESS: '[::1]:7233',
    STUDIO_JWKS_URL: 'https://issuer.example/keys',
    STUDIO_SYNC_CREATE: 'application/vnd.yjs',
    STUDIO_FAILPOINTS: 'commit.before_insert=kill@2,head.before_write=error',
  };
  const { mongodbUrl, natsUrl, temporalAddress, jwksUrl, syncCreate, failpoints } = readConfig(right);
  assert.equal([mongodbUrl, natsUrl, temporalAddress, jwksUrl, syncCreate, failpoints], Object.values(right));
});

test('a database URL that only the driver sees through: its sentence, without the login', async () => {
  for (const url of ['mongodb://ann:secret@db:notaport/', 'mongodb://ann:secret@db/?nonsense=1']) {
    const refusal: unknown = await openDatabase({ url, name: 'studio' }).catch((error: unknown) => error);
    assert.instance(refusal, SettingError, url);
    assert.match((refusal as SettingError).message, /^STUDIO_MONGODB_URL can't be used: [^\n]+\.$/);
    assert.not.match((refusal as SettingError).message, 'secret');
  }
});

test('G8: a secret that is shorter than its hash signs nothing', () => {
  assert.is(refusalOf({ STUDIO_JWT_SECRET: 'x'.repeat(31) }), 'STUDIO_JWT_SECRET must have at least 32 bytes.');
  assert.is(readConfig({ STUDIO_JWT_SECRET: 'ü'.repeat(16) }).jwtSecret, 'ü'.repeat(16));
});

test('two ports that are one are refused', () => {
  const refusal = 'STUDIO_PORT and STUDIO_GRPC_PORT are both 8011; each must be a port of its own.';
  assert.is(refusalOf({ STUDIO_PORT: '8011' }), refusal);
  assert.is(refusalOf({ STUDIO_PORT: '0', STUDIO_GRPC_PORT: '0' }), 'none');
});

test.run();
