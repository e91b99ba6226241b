import { SignJWT } from 'jose';
import { TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../limits.ts';

/** The claim that makes its bearer an administrator. */
export const ADMINISTRATOR_CLAIM = 'studio_admin';

export interface TokenRequest {
  /** Becomes `sub`. */
  readonly userId: string;
  /** Absent: the token never expires. */
  readonly ttlSeconds?: number;
  readonly administrator?: boolean;
  /** Become `iss` and `aud`: what the studio's settings demand. */
  readonly issuer?: string;
  readonly audience?: string;
}

/** An HS256 token that the studio with the same secret honours. */
export async function signToken(secret: string, request: TokenRequest): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const token = new SignJWT(request.administrator ? { [ADMINISTRATOR_CLAIM]: true } : {})
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(request.userId)
    .setIssuedAt(nowSeconds);
  if (request.ttlSeconds !== undefined) token.setExpirationTime(nowSeconds + request.ttlSeconds);
  if (request.issuer !== undefined) token.setIssuer(request.issuer);
  if (request.audience !== undefined) token.setAudience(request.audience);
  return token.sign(new TextEncoder().encode(secret));
}

/** What a Date can hold; one beyond that would be no time at all. */
const TIME_MS_MAX = 8.64e15;

/** When the studio stops honouring a token that expires at `exp` (seconds since 1970). */
export function honouredUntil(exp: number): Date {
  return new Date(Math.min((exp + TOKEN_CLOCK_TOLERANCE_SECONDS) * 1000, TIME_MS_MAX));
}

/** A URL or path as it may be logged: what `?token=` carries is left out. */
export function redactToken(url: string): string {
  return url.replace(/([?&]token=)[^&#]*/gi, '$1[redacted]');
}
