/** What a NATS client is given in place of a URL, of which nats.js takes the host and the port alone. */
export interface NatsServer {
  /** `host:port`; without a port, NATS' own. */
  readonly servers: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** `nats://host:4222`, `nats://user:password@host`, `nats://token@host`; the scheme may be left out. Throws for what is no URL. */
export function readNatsUrl(url: string): NatsServer {
  const { host: servers, username, password } = new URL(url.includes('://') ? url : `nats://${url}`);
  if (username === '') return { servers };
  if (password === '') return { servers, token: unescaped(username) };
  return { servers, user: unescaped(username), pass: unescaped(password) };
}

/** A `%` that escapes nothing stands for itself. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
