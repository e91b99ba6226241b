/** The peers' packages, installed where they are used and nowhere else. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { print } from '../report.ts';

const FOLDER = fileURLToPath(new URL('../peer-servers', import.meta.url));
/** Compiling better-sqlite3 on a busy machine. */
const BUILD_MS_MAX = 15 * 60_000;
const run = promisify(execFile);

export async function installPeers(): Promise<void> {
  if (!existsSync(join(FOLDER, 'node_modules', '@hocuspocus', 'server'))) {
    print('  installing the peers (npm ci --prefix bench/peer-servers)');
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER, timeout: BUILD_MS_MAX });
  }
  if (opensSqlite()) return;
  print('  building better-sqlite3, which takes some minutes once');
  // Node's own headers, where they came with it: nothing is downloaded then.
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
  const env = { ...process.env, npm_config_build_from_source: 'true', ...headers };
  await run('npm', ['rebuild', 'better-sqlite3'], { cwd: FOLDER, env, timeout: BUILD_MS_MAX });
  if (!opensSqlite()) throw new Error('better-sqlite3 was not built: it needs a C++ compiler, make and Python.');
}

function opensSqlite(): boolean {
  try {
    const Sqlite = createRequire(join(FOLDER, 'package.json'))('better-sqlite3') as new (file: string) => {
      close(): void;
    };
    new Sqlite(':memory:').close();
    return true;
  } catch {
    return false;
  }
}
