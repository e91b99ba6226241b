/** Starts MongoDB, NATS and Temporal for one machine, on 127.0.0.1, each with a data folder of ours. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PART_PORT_TRIES_MAX, PART_PROBE_PAUSE_MS, PART_READY_MS_MAX } from '../limits.ts';
import { type Child, describeEnding, startChild } from './child.ts';
import type { Part, PartName, PartOptions } from './contract.ts';
import { lockData } from './data-lock.ts';
import { LocalFailure } from './local-failure.ts';
import { freePort, isPortFree } from './ports.ts';
import { PART_KINDS, type Program } from './programs.ts';
import { reapRecorded, updateRun } from './run-file.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

const NAMESPACE_DEFAULT = 'default';

/**
 * Resolves when the part answers. It ends with this process, however that ends. Throws LocalFailure: port or data
 * folder in use, nothing to run it with, or it died. With a `watchdog` of the caller's it is watched by that one.
 */
export async function startPart(name: PartName, options: PartOptions, watchdog?: Watchdog): Promise<Part> {
  mkdirSync(options.dataDir, { recursive: true });
  const lock = lockData(options.dataDir);
  const ownWatchdog = watchdog ? undefined : startWatchdog();
  const release = async (): Promise<void> => {
    await ownWatchdog?.stop();
    lock.release();
  };
  try {
    const part = await startLocked(name, options, watchdog ?? ownWatchdog ?? startWatchdog());
    const released = part.exited.then(release);
    void ownWatchdog?.exited.then(() => part.stop());
    return { ...part, stop: () => part.stop().then(() => released) };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * A server that the environment names; nothing is started and nothing stopped. Throws LocalFailure if it is silent, or
 * is a Temporal without the namespace.
 */
export async function usePart(
  name: PartName,
  url: string,
  variable: string,
  namespace = NAMESPACE_DEFAULT,
): Promise<Part> {
  const version = await PART_KINDS[name].probe(url, namespace).catch((error: unknown) => {
    if (error instanceof LocalFailure) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LocalFailure(
      `${variable} names a server that does not answer: ${why}`,
      `Start it, correct ${variable}, or unset it and the studio starts its own.`,
      { cause: error },
    );
  });
  return {
    name,
    url,
    port: 0,
    version: version ?? 'not asked',
    origin: 'environment',
    command: '',
    pid: 0,
    exited: new Promise(() => {}),
    stop: () => Promise.resolve(),
    kill: () => {},
  };
}

async function startLocked(name: PartName, options: PartOptions, watchdog: Watchdog): Promise<Part> {
  const onProgress = options.onProgress ?? ((): void => {});
  // What a killed run left would hold the port and the files of the part.
  if (await reapRecorded(options.dataDir, name)) onProgress(`${name}: ended one that an earlier run had left`);
  if (options.port !== undefined && !(await isPortFree(options.port))) throw portInUse(name, options.port);
  const program = await PART_KINDS[name].find({ ...options, watchdog, onProgress });
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort());
    const child = await launch(name, program, port, options, watchdog);
    try {
      return await becomeReady(name, program, port, child, options);
    } catch (error) {
      await child.stop();
      // Between our look and its start another process may have taken the port, or one that it chose by itself.
      const isOurs = !(await isPortFree(port));
      if (isOurs && (options.port !== undefined || tries === PART_PORT_TRIES_MAX)) throw portInUse(name, port);
      const isTaken = isOurs || child.output().includes('address already in use');
      if (!isTaken || tries === PART_PORT_TRIES_MAX) throw error;
    }
  }
}

async function launch(
  name: PartName,
  program: Program,
  port: number,
  { dataDir, namespace = NAMESPACE_DEFAULT }: PartOptions,
  watchdog: Watchdog,
): Promise<Child> {
  const folder = join(dataDir, name);
  mkdirSync(folder, { recursive: true });
  const args = await program.args(folder, port, namespace);
  return startChild({ name, command: program.command, args, dataDir, workingDir: folder, phase: 'part', watchdog });
}

async function becomeReady(
  name: PartName,
  program: Program,
  port: number,
  child: Child,
  { dataDir, namespace = NAMESPACE_DEFAULT }: PartOptions,
): Promise<Part> {
  const { origin, command } = program;
  const url = PART_KINDS[name].url(port);
  const answer = await firstAnswer(name, url, namespace, child);
  const version = [program.product, answer].filter(Boolean).join(' ');
  updateRun(dataDir, (state) => ({
    ...state,
    parts: { ...state.parts, [name]: { url, port, version, origin, command } },
  }));
  return {
    name,
    url,
    port,
    version,
    origin,
    command,
    pid: child.pid,
    exited: child.exited,
    stop: () => child.stop(),
    kill: () => child.kill(),
  };
}

async function firstAnswer(name: PartName, url: string, namespace: string, child: Child): Promise<string> {
  const deadline = performance.now() + PART_READY_MS_MAX;
  let ending: string | undefined;
  void child.exited.then((how) => (ending = describeEnding(how)));
  for (;;) {
    const version = await PART_KINDS[name].probe(url, namespace).catch((error: unknown) => error);
    if (ending !== undefined) throw died(name, ending, child);
    // An answer while our process lives may still be another's, if ours is just failing to bind; it then dies, and is seen to.
    if (typeof version === 'string') return version;
    if (performance.now() > deadline) break;
    await sleep(PART_PROBE_PAUSE_MS);
  }
  throw new LocalFailure(
    `${name} does not answer ${PART_READY_MS_MAX / 1000} s after its start; it last said: ${child.lastWords() || 'nothing'}`,
    `Read ${child.logFile}, then start again.`,
  );
}

function died(name: PartName, ending: string, child: Child): LocalFailure {
  return new LocalFailure(
    `${name} died at its start (${ending}); it last said: ${child.lastWords() || 'nothing'}`,
    `Read ${child.logFile}, then start again.`,
  );
}

function portInUse(name: PartName, port: number): LocalFailure {
  return new LocalFailure(
    `Port ${port} on 127.0.0.1, which ${name} is to use, is in use by another process.`,
    'End that process or choose another port.',
  );
}
