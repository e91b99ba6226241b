/** What `studio doctor` finds; works while `studio dev` runs, and while it does not. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../config.ts';
import { PART_PROBE_TIMEOUT_MS, PYTHON_PROBE_MS_MAX } from '../limits.ts';
import type { PartName } from './contract.ts';
import { lockOwner } from './data-lock.ts';
import { LocalFailure } from './local-failure.ts';
import { portFailure, whyNotFree } from './ports.ts';
import { BINARIES } from './binaries.ts';
import { PART_KINDS, PART_NAMES } from './programs.ts';
import { findOnPath, findPython } from './python.ts';
import { readRun, type RunState } from './run-file.ts';
import { shownUrl } from './shown-url.ts';
import { installedWheel, WHEEL_VERSIONS } from './wheel.ts';

export interface Finding {
  readonly fine: boolean;
  readonly subject: string;
  readonly text: string;
}

/** What package.json's engines say. */
export const NODE_MIN = '20.19';

export async function examine(config: Config): Promise<Finding[]> {
  const owner = lockOwner(config.dataDir);
  const state: RunState = owner ? readRun(config.dataDir) : { processes: {}, parts: {} };
  const given = { mongodb: config.mongodbUrl, nats: config.natsUrl, temporal: config.temporalAddress };
  const parts = PART_NAMES.map((name) => examinePart(name, given[name], state, config));
  return [
    examineNode(),
    await examinePython(config),
    examineDataDir(config.dataDir),
    { fine: true, subject: 'lock', text: owner ? `held by process ${owner.pid}` : 'free' },
    ...(await Promise.all(parts)),
    ...(state.address === undefined
      ? await examinePorts(config, owner !== undefined)
      : [await examineStudio(state.address)]),
  ];
}

async function examinePart(
  name: PartName,
  given: string | undefined,
  state: RunState,
  config: Config,
): Promise<Finding> {
  const running = state.parts[name];
  const namespace = config.temporalNamespace;
  if (given !== undefined) return answering(name, given, namespace, `${shownUrl(given)}, from the environment`);
  if (running) {
    const source = running.origin === 'path' ? 'from PATH' : 'from a wheel';
    const text = `${running.url}, ${running.version}, ${source}: ${running.command}`;
    return answering(name, running.url, namespace, text);
  }
  for (const binary of BINARIES[name]) {
    const command = findOnPath(binary, config.searchPath);
    if (command !== undefined) {
      return { fine: true, subject: name, text: `not running; from PATH: ${command}, ${ownVersion(command)}` };
    }
  }
  const wheel = installedWheel(name, config.partsDir);
  const where = wheel === undefined ? 'to be installed at the first start' : `installed in ${wheel}`;
  return { fine: true, subject: name, text: `not running; from a wheel: ${WHEEL_VERSIONS[name]}, ${where}` };
}

async function answering(name: PartName, url: string, namespace: string, text: string): Promise<Finding> {
  try {
    const version = await PART_KINDS[name].probe(url, namespace);
    if (version === undefined)
      return { fine: true, subject: name, text: `${text}; not asked, its URL names no single server` };
    return { fine: true, subject: name, text: `${text}; answers as ${version}` };
  } catch (error) {
    const problem = error instanceof LocalFailure ? 'CANNOT BE USED' : 'DOES NOT ANSWER';
    return { fine: false, subject: name, text: `${text}; ${problem}: ${messageOf(error)}` };
  }
}

async function examineStudio(address: string): Promise<Finding> {
  try {
    const response = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(PART_PROBE_TIMEOUT_MS) });
    return {
      fine: response.ok,
      subject: 'studio',
      text: `${address}, ${response.ok ? 'ready' : `NOT READY (${response.status})`}`,
    };
  } catch (error) {
    return { fine: false, subject: 'studio', text: `${address}, DOES NOT ANSWER: ${messageOf(error)}` };
  }
}

async function examinePorts(config: Config, starting: boolean): Promise<Finding[]> {
  const ports = [
    { variable: 'STUDIO_PORT', port: config.port },
    { variable: 'STUDIO_GRPC_PORT', port: config.grpcPort },
  ];
  return Promise.all(
    ports.map(async ({ variable, port }) => {
      const code = port === 0 ? undefined : await whyNotFree(port, config.host);
      if (code === undefined) return { fine: true, subject: 'port', text: `${port} is free` };
      if (code === 'EADDRINUSE')
        return { fine: starting, subject: 'port', text: `${port} IS IN USE; set ${variable} to another` };
      const { message, advice } = portFailure(code, config.host, port, variable);
      return { fine: false, subject: 'port', text: `${port} CANNOT BE USED: ${message} ${advice}` };
    }),
  );
}

function examineNode(): Finding {
  const fine = process.versions.node.localeCompare(NODE_MIN, 'en', { numeric: true }) >= 0;
  const text = `${process.versions.node}, ${process.execPath}`;
  return { fine, subject: 'node', text: fine ? text : `${text}; ${NODE_MIN} OR LATER IS NEEDED` };
}

async function examinePython(config: Config): Promise<Finding> {
  try {
    const python = await findPython(config.searchPath);
    return { fine: true, subject: 'python', text: `${python.version} with venv, ${python.command}` };
  } catch (error) {
    const given = [config.mongodbUrl, config.natsUrl, config.temporalAddress];
    const needed = PART_NAMES.some(
      (name, index) =>
        given[index] === undefined &&
        installedWheel(name, config.partsDir) === undefined &&
        !BINARIES[name].some((binary) => findOnPath(binary, config.searchPath) !== undefined),
    );
    const advice = error instanceof LocalFailure ? ` ${error.advice}` : '';
    const text = needed ? `${messageOf(error)}${advice}` : `not needed, and not usable: ${messageOf(error)}`;
    return { fine: !needed, subject: 'python', text };
  }
}

function examineDataDir(dataDir: string): Finding {
  let nearest = dataDir;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK);
    const kept = existsSync(join(dataDir, 'secret')) ? 'with data' : 'new';
    return { fine: true, subject: 'data', text: `${dataDir}, ${kept}` };
  } catch {
    return {
      fine: false,
      subject: 'data',
      text: `${dataDir} CANNOT BE WRITTEN; set STUDIO_DATA_DIR to another folder`,
    };
  }
}

function ownVersion(command: string): string {
  try {
    const options = { encoding: 'utf8', timeout: PYTHON_PROBE_MS_MAX, stdio: 'pipe' } as const;
    return execFileSync(command, ['--version'], options).trim().split('\n')[0] ?? '';
  } catch {
    return 'which does not tell its version';
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
