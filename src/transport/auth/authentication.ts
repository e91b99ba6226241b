import { createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { StudioError } from '../../errors.ts';
import {
  JWKS_CACHE_MS_MAX,
  JWKS_COOLDOWN_MS,
  JWKS_FETCH_MS_MAX,
  TOKEN_CACHE_MS_MAX,
  TOKEN_CHARACTERS_MAX,
  TOKEN_CLOCK_TOLERANCE_SECONDS,
  USER_ID_CHARACTERS_MAX,
} from '../../limits.ts';
import { fetchKeySet } from './key-set.ts';
import { TokenCache } from './token-cache.ts';
import { ADMINISTRATOR_CLAIM, honouredUntil } from './tokens.ts';
import type { JWTPayload, JWTVerifyResult } from 'jose';
import type { Config } from '../../config.ts';
import type { Caller } from '../../domain/access/caller.ts';

/** What a key set may sign with. A shared secret is never taken from it: its public keys would pass for one. */
const ASYMMETRIC_ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

/**
 * Tells who calls, from a JWT: `sub` is the user id, `exp` is honoured where there is one (a token without it never
 * expires), `studio_admin: true` makes an administrator, `iss` and `aud` must be what the settings say, where they do. Rejects with TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, or
 * IDENTITY_UNAVAILABLE when the key set can't be read.
 */
export interface Authenticator {
  /** The `Authorization` header's value: `Bearer <JWT>`. */
  readonly authenticate: (authorizationHeader: string | undefined) => Promise<Caller>;
  /** The token itself, as WebSockets carry it in `?token=`. */
  readonly authenticateToken: (token: string | undefined) => Promise<Caller>;
}

type TokenSettings = Pick<Config, 'jwtSecret' | 'jwksUrl' | 'jwtIssuer' | 'jwtAudience'>;

export function createAuthenticator(config: TokenSettings): Authenticator {
  const verify = createVerifier(config);
  const cache = new TokenCache();

  const authenticateToken = async (token: string | undefined): Promise<Caller> => {
    if (!token) throw new StudioError('TOKEN_MISSING', 'This call needs a token: Authorization: Bearer <JWT>.');
    if (token.length > TOKEN_CHARACTERS_MAX) {
      throw new StudioError('TOKEN_INVALID', `A token has at most ${TOKEN_CHARACTERS_MAX} characters.`);
    }
    const key = TokenCache.key(token);
    const nowMs = Date.now();
    const cached = cache.get(key, nowMs);
    if (cached) return cached;
    const caller = readCaller(await verified(verify, token));
    cache.set(key, caller, Math.min(caller.expiresAt?.getTime() ?? Infinity, nowMs + TOKEN_CACHE_MS_MAX));
    return caller;
  };

  return {
    authenticateToken,
    authenticate: async (header) => {
      if (!header?.trim()) return authenticateToken(undefined);
      const match = /^\s*bearer\s+(\S+)\s*$/i.exec(header);
      if (!match) throw new StudioError('TOKEN_INVALID', 'The Authorization header must be: Bearer <JWT>.');
      return authenticateToken(match[1]);
    },
  };
}

type Verify = (token: string) => Promise<JWTVerifyResult>;

/**
 * The algorithm decides which key is asked, never the reverse: HS256 is checked with the secret alone, asymmetric ones
 * with the key set alone, and `none` with nothing.
 */
function createVerifier(config: TokenSettings): Verify {
  const secret = config.jwtSecret ? new TextEncoder().encode(config.jwtSecret) : undefined;
  const keySet = config.jwksUrl
    ? createRemoteJWKSet(new URL(config.jwksUrl), {
        timeoutDuration: JWKS_FETCH_MS_MAX,
        cooldownDuration: JWKS_COOLDOWN_MS,
        cacheMaxAge: JWKS_CACHE_MS_MAX,
        [customFetch]: fetchKeySet,
      })
    : undefined;
  // An issuer may sign for other applications too: a token made for one of those is none of ours.
  const demanded = {
    clockTolerance: TOKEN_CLOCK_TOLERANCE_SECONDS,
    ...(config.jwtIssuer !== undefined && { issuer: config.jwtIssuer }),
    ...(config.jwtAudience !== undefined && { audience: config.jwtAudience }),
  };
  return async (token) => {
    const { alg } = decodeProtectedHeader(token);
    if (secret && alg === 'HS256') return jwtVerify(token, secret, { algorithms: ['HS256'], ...demanded });
    if (keySet && alg !== 'HS256') {
      return jwtVerify(token, keySet, { algorithms: ASYMMETRIC_ALGORITHMS, ...demanded });
    }
    throw new errors.JOSEAlgNotAllowed('not an algorithm this studio honours');
  };
}

async function verified(verify: Verify, token: string): Promise<JWTPayload> {
  try {
    return (await verify(token)).payload;
  } catch (error) {
    if (error instanceof StudioError) throw error;
    if (error instanceof errors.JWTExpired) throw new StudioError('TOKEN_EXPIRED', 'The token has expired.');
    if (error instanceof errors.JWKSTimeout || isKeySetFailure(error)) {
      throw new StudioError(
        'IDENTITY_UNAVAILABLE',
        'The keys that tokens are checked with cannot be read now.',
        {},
        { cause: error },
      );
    }
    throw new StudioError('TOKEN_INVALID', 'The token is not one that this studio honours.', {}, { cause: error });
  }
}

/** jose throws its base error for a key set answered with another status or with something that is no JSON. */
function isKeySetFailure(error: unknown): boolean {
  return (
    error instanceof errors.JWKSInvalid || (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
  );
}

function readCaller(payload: JWTPayload): Caller {
  const { sub, exp } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > USER_ID_CHARACTERS_MAX || /\p{Surrogate}/u.test(sub)) {
    throw new StudioError(
      'TOKEN_INVALID',
      `The token's sub must be a user id of 1 to ${USER_ID_CHARACTERS_MAX} characters.`,
    );
  }
  return {
    userId: sub,
    administrator: payload[ADMINISTRATOR_CLAIM] === true,
    expiresAt: exp === undefined ? undefined : honouredUntil(exp),
  };
}
