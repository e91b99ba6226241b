import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The secret that signs this data folder's tokens; undefined when none was made yet. */
export function readSecret(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'secret'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Makes and keeps one (`<dataDir>/secret`, for its owner only) if there is none. */
export function keepSecret(dataDir: string): string {
  const kept = readSecret(dataDir);
  if (kept !== undefined) return kept;
  mkdirSync(dataDir, { recursive: true });
  const draft = join(dataDir, `secret.${process.pid}.tmp`);
  const path = join(dataDir, 'secret');
  // A crash half-way leaves no short secret behind: the file gets its name when it is whole.
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  rmSync(path, { force: true });
  linkSync(draft, path);
  rmSync(draft, { force: true });
  return readFileSync(path, 'utf8').trim();
}
