import { createServer } from 'node:http';
import { createHmac } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import * as assert from 'uvu/assert';
import { StudioError } from '../../../src/errors.ts';
import { JWKS_BYTES_MAX, TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../../src/limits.ts';
import { createAuthenticator } from '../../../src/transport/auth/authentication.ts';
import { onExpiry } from '../../../src/transport/auth/expiry.ts';
import { redactToken, signToken } from '../../../src/transport/auth/tokens.ts';
import { suite } from '../../harness/suite.ts';
import type { AddressInfo } from 'node:net';

const SECRET = 'a secret of the test, thirty-two bytes and more';
const test = suite('transport: authentication');

async function reasonOf(outcome: Promise<unknown>): Promise<string> {
  try {
    await outcome;
  } catch (error) {
    return error instanceof StudioError ? error.reason : String(error);
  }
  return 'ACCEPTED';
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);

async function serveKeySet(
  body: () => string,
  status = 200,
): Promise<{ url: string; reads: () => number; close: () => void }> {
  let reads = 0;
  const server = createServer((_request, response) => {
    reads += 1;
    response.writeHead(status, { 'content-type': 'application/json' }).end(body());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/keys`, reads: () => reads, close: () => void server.close() };
}

test('a signed token names its user, once verified and again from the cache', async () => {
  const { authenticate } = createAuthenticator({ jwtSecret: SECRET });
  const token = await signToken(SECRET, { userId: 'ada', ttlSeconds: 60 });
  for (const header of [`Bearer ${token}`, `bearer   ${token} `]) {
    const caller = await authenticate(header);
    assert.is(caller.userId, 'ada');
    assert.is(caller.administrator, false);
    assert.ok(Number(caller.expiresAt) > Date.now());
  }
});

test('the administrator claim counts only when it is true', async () => {
  const { authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  assert.is(
    (await authenticateToken(await signToken(SECRET, { userId: 'root', administrator: true }))).administrator,
    true,
  );
  const key = new TextEncoder().encode(SECRET);
  const lookalike = await new SignJWT({ sub: 'eve', studio_admin: 'true' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(key);
  assert.is((await authenticateToken(lookalike)).administrator, false);
});

test('a token without exp never expires', async () => {
  const { authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  assert.is((await authenticateToken(await signToken(SECRET, { userId: 'ada' }))).expiresAt, undefined);
});

test('a token whose end is further than any date ends at the last one, and is not over before', async () => {
  const { authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  const header = encode({ alg: 'HS256' });
  for (const exp of ['8640000000000', '9999999999999', '1e300', '1e999']) {
    const body = Buffer.from(`{"sub":"ada","exp":${exp}}`).toString('base64url');
    const signature = createHmac('sha256', SECRET).update(`${header}.${body}`).digest('base64url');
    const caller = await authenticateToken(`${header}.${body}.${signature}`);
    assert.is(caller.expiresAt?.getTime(), 8.64e15, exp);
    let isOver = false;
    const stop = onExpiry(caller, () => (isOver = true));
    // A timer that was set with no time is called before this one.
    await new Promise((resolve) => setTimeout(resolve, 5));
    stop();
    assert.not.ok(isOver, exp);
  }
});

test('missing, malformed and foreign tokens are refused, each with its reason', async () => {
  const { authenticate } = createAuthenticator({ jwtSecret: SECRET });
  const good = await signToken(SECRET, { userId: 'ada' });
  const tampered = `${good.split('.')[0]}.${encode({ sub: 'eve' })}.${good.split('.')[2]}`;
  assert.is(await reasonOf(authenticate(undefined)), 'TOKEN_MISSING');
  assert.is(await reasonOf(authenticate('')), 'TOKEN_MISSING');
  assert.is(await reasonOf(authenticate('Bearer ')), 'TOKEN_INVALID');
  assert.is(await reasonOf(authenticate(`Basic ${good}`)), 'TOKEN_INVALID');
  assert.is(await reasonOf(authenticate('Bearer not-a-token')), 'TOKEN_INVALID');
  assert.is(await reasonOf(authenticate(`Bearer ${tampered}`)), 'TOKEN_INVALID');
  assert.is(await reasonOf(authenticate(`Bearer ${await signToken('another', { userId: 'ada' })}`)), 'TOKEN_INVALID');
  assert.is(await reasonOf(authenticate(`Bearer ${'x'.repeat(9_000)}`)), 'TOKEN_INVALID');
});

test('G8: where an issuer and an audience are set, a token of another issuer or for another application is refused', async () => {
  const settings = { jwtSecret: SECRET, jwtIssuer: 'https://issuer.example/', jwtAudience: 'studio' };
  const own = { userId: 'ada', issuer: settings.jwtIssuer, audience: settings.jwtAudience };
  const { authenticateToken } = createAuthenticator(settings);
  const { authenticateToken: ofAny } = createAuthenticator({ jwtSecret: SECRET });
  const several = await new SignJWT({ sub: 'ada', iss: own.issuer, aud: ['billing', 'studio'] })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET));
  for (const token of [await signToken(SECRET, own), several]) {
    assert.is(await reasonOf(authenticateToken(token)), 'ACCEPTED');
  }
  const others = [
    { ...own, audience: 'billing' },
    { ...own, audience: undefined },
    { ...own, issuer: 'https://issuer.example' },
    { ...own, issuer: undefined },
  ];
  for (const other of others) {
    const token = await signToken(SECRET, other);
    assert.is(await reasonOf(authenticateToken(token)), 'TOKEN_INVALID', JSON.stringify(other));
    assert.is(await reasonOf(ofAny(token)), 'ACCEPTED', JSON.stringify(other));
  }
  // By a key set likewise.
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const keys = await serveKeySet(() => JSON.stringify({ keys: [jwk] }));
  const jwk = await exportJWK(publicKey);
  const bySet = createAuthenticator({ ...settings, jwtSecret: undefined, jwksUrl: keys.url }).authenticateToken;
  const signed = (aud: string): Promise<string> =>
    new SignJWT({ sub: 'ada', iss: own.issuer, aud }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  assert.is(await reasonOf(bySet(await signed('studio'))), 'ACCEPTED');
  assert.is(await reasonOf(bySet(await signed('billing'))), 'TOKEN_INVALID');
  keys.close();
});

test('sub must be a user id of 1 to 256 characters', async () => {
  const { authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  const key = new TextEncoder().encode(SECRET);
  const withSub = (payload: Record<string, unknown>): Promise<string> =>
    new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(key);
  for (const payload of [{}, { sub: '' }, { sub: 7 }, { sub: 'a'.repeat(257) }, { sub: '\ud800' }]) {
    assert.is(await reasonOf(authenticateToken(await withSub(payload))), 'TOKEN_INVALID', JSON.stringify(payload));
  }
  assert.is((await authenticateToken(await withSub({ sub: 'a'.repeat(256) }))).userId.length, 256);
});

test('an expired token is refused as such, also one that was valid when it was cached', async () => {
  const { authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  const old = await signToken(SECRET, { userId: 'ada', ttlSeconds: -TOKEN_CLOCK_TOLERANCE_SECONDS - 1 });
  assert.is(await reasonOf(authenticateToken(old)), 'TOKEN_EXPIRED');
  // Honoured for one or two seconds more, by the tolerance for clocks that differ.
  const soon = await signToken(SECRET, { userId: 'ada', ttlSeconds: -TOKEN_CLOCK_TOLERANCE_SECONDS + 2 });
  assert.is(await reasonOf(authenticateToken(soon)), 'ACCEPTED');
  await new Promise((resolve) => setTimeout(resolve, 2_300));
  assert.is(await reasonOf(authenticateToken(soon)), 'TOKEN_EXPIRED');
});

test('a token that is not valid yet is refused', async () => {
  const { authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  const early = await new SignJWT({ sub: 'ada' })
    .setProtectedHeader({ alg: 'HS256' })
    .setNotBefore(now() + 3_600)
    .sign(new TextEncoder().encode(SECRET));
  assert.is(await reasonOf(authenticateToken(early)), 'TOKEN_INVALID');
});

test('alg none is refused, signed or not', async () => {
  const keys = await serveKeySet(() => '{"keys":[]}');
  for (const config of [{ jwtSecret: SECRET }, { jwksUrl: keys.url }, { jwtSecret: SECRET, jwksUrl: keys.url }]) {
    const { authenticateToken } = createAuthenticator(config);
    for (const alg of ['none', 'None', 'NONE']) {
      const head = `${encode({ alg, typ: 'JWT' })}.${encode({ sub: 'eve' })}`;
      assert.is(await reasonOf(authenticateToken(`${head}.`)), 'TOKEN_INVALID', alg);
      assert.is(await reasonOf(authenticateToken(`${head}.AAAA`)), 'TOKEN_INVALID', alg);
    }
  }
  keys.close();
});

test('a key set: asymmetric tokens pass, HS256 signed with the public key does not', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig' };
  const keys = await serveKeySet(() => JSON.stringify({ keys: [jwk] }));
  const { authenticateToken } = createAuthenticator({ jwksUrl: keys.url });
  const good = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey);
  assert.is((await authenticateToken(good)).userId, 'ada');

  // The classic confusion: the public key's text taken for a shared secret.
  for (const secret of [await exportSPKI(publicKey), JSON.stringify(jwk), String(jwk.n)]) {
    const head = `${encode({ alg: 'HS256', kid: 'one' })}.${encode({ sub: 'eve' })}`;
    const forged = `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`;
    assert.is(await reasonOf(authenticateToken(forged)), 'TOKEN_INVALID');
  }
  // One fetch serves all, and unknown key ids do not make the studio hammer the key server.
  const stranger = await generateKeyPair('RS256');
  for (let i = 0; i < 5; i += 1) {
    const foreign = await new SignJWT({ sub: `eve${i}` })
      .setProtectedHeader({ alg: 'RS256', kid: `k${i}` })
      .sign(stranger.privateKey);
    assert.is(await reasonOf(authenticateToken(foreign)), 'TOKEN_INVALID');
  }
  assert.is(keys.reads(), 1);
  keys.close();
});

test('a shared secret in a key set is not taken', async () => {
  const oct = { kty: 'oct', kid: 'oct', alg: 'HS256', k: Buffer.from(SECRET).toString('base64url') };
  const keys = await serveKeySet(() => JSON.stringify({ keys: [oct] }));
  const { authenticateToken } = createAuthenticator({ jwksUrl: keys.url });
  assert.is(await reasonOf(authenticateToken(await signToken(SECRET, { userId: 'eve' }))), 'TOKEN_INVALID');
  keys.close();
});

test('a key set that is away, broken or too large is IDENTITY_UNAVAILABLE, not a bad token', async () => {
  const { privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const large = await serveKeySet(() => JSON.stringify({ keys: [], padding: 'x'.repeat(JWKS_BYTES_MAX) }));
  const broken = await serveKeySet(() => 'no JSON');
  const failing = await serveKeySet(() => '{}', 500);
  for (const url of [large.url, broken.url, failing.url, 'http://127.0.0.1:9/keys']) {
    const { authenticateToken } = createAuthenticator({ jwksUrl: url });
    assert.is(await reasonOf(authenticateToken(token)), 'IDENTITY_UNAVAILABLE', url);
  }
  for (const server of [large, broken, failing]) server.close();
});

test('what a URL carries in ?token= is not logged', () => {
  assert.is(redactToken('/sync/a?token=abc.def&x=1'), '/sync/a?token=[redacted]&x=1');
  assert.is(redactToken('/events?cursor=1&TOKEN=abc'), '/events?cursor=1&TOKEN=[redacted]');
  assert.is(redactToken('/sync/a'), '/sync/a');
});

test.run();
