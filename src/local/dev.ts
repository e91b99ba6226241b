/**
 * `studio dev`: MongoDB, NATS, Temporal, the studio and its worker as one process tree. They begin together and end
 * together: whichever dies, and however, ends all; the studio drains before its parts go.
 */
import type { Config } from '../config.ts';
import { CHILD_READY_MS_MAX, DRAIN_MS_MAX } from '../limits.ts';
import { type Child, describeEnding, startChild } from './child.ts';
import type { Part, PartName } from './contract.ts';
import { lockData } from './data-lock.ts';
import { LocalFailure } from './local-failure.ts';
import { logPath } from './log-file.ts';
import { startPart, usePart } from './parts.ts';
import { hostInUrl, portFailure, whyNotFree } from './ports.ts';
import { PART_NAMES } from './programs.ts';
import { RunEnd } from './run-end.ts';
import { readRun, reapRecorded, recordProcess, updateRun } from './run-file.ts';
import { keepSecret } from './secret.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';
import { welcome } from './welcome.ts';

export interface DevOptions {
  readonly config: Config;
  /** How this program is run again: `node`'s options, then the path of main. */
  readonly entry: readonly string[];
  /** This process's environment with these settings in place of its own. */
  environment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv;
  signToken(secret: string): Promise<string>;
  print(line: string): void;
}

const VARIABLES: Readonly<Record<PartName, string>> = {
  mongodb: 'STUDIO_MONGODB_URL',
  nats: 'STUDIO_NATS_URL',
  temporal: 'STUDIO_TEMPORAL_ADDRESS',
};

/** Resolves with the exit code when everything it started is gone. Throws LocalFailure when it cannot begin. */
export async function runDev(options: DevOptions): Promise<number> {
  const run = new Run(options);
  try {
    return await run.go();
  } finally {
    await run.tearDown();
  }
}

class Run {
  readonly #options: DevOptions;
  readonly #end = new RunEnd();
  readonly #started = performance.now();
  readonly #lock;
  readonly #watchdog: Watchdog;
  readonly #studio: Child[] = [];
  readonly #parts: Part[] = [];
  #starting: Promise<void> = Promise.resolve();

  constructor(options: DevOptions) {
    const { dataDir } = options.config;
    this.#options = options;
    this.#lock = lockData(dataDir);
    this.#end.watchSignals();
    this.#end.watchParent();
    this.#watchdog = startWatchdog();
    void this.#watchdog.exited.then(() =>
      this.#end.end('The watchdog, which ends the parts if all else fails, was ended.'),
    );
    void this.#end.atOnce.then(() => this.#kill());
  }

  async go(): Promise<number> {
    this.#starting = this.#start();
    const failed = new Promise<never>((_resolve, reject) => void this.#starting.catch(reject));
    const reason = await Promise.race([this.#end.reason, failed]);
    this.#say(reason.sentence === '' ? 'Ending: the studio drains, then its parts end.' : reason.sentence);
    return reason.exitCode;
  }

  /** The studio first: what it still has to write needs its parts. */
  async tearDown(): Promise<void> {
    this.#end.end('', 1);
    await Promise.all(this.#studio.map((child) => child.stop(DRAIN_MS_MAX)));
    await Promise.all(this.#parts.map((part) => part.stop()));
    await this.#watchdog.stop();
    const { dataDir } = this.#options.config;
    // What was being installed or started is not in the lists above, and a watchdog that was killed has ended nothing.
    await Promise.all(Object.keys(readRun(dataDir).processes).map((name) => reapRecorded(dataDir, name)));
    await this.#starting.catch(() => {});
    updateRun(dataDir, () => ({ processes: {}, parts: {} }));
    this.#lock.release();
    this.#end.detach();
  }

  async #start(): Promise<void> {
    const { config } = this.#options;
    await this.#clearAway();
    await Promise.all([
      demandPort(config.host, config.port, 'STUDIO_PORT'),
      demandPort(config.host, config.grpcPort, 'STUDIO_GRPC_PORT'),
    ]);
    await Promise.all(PART_NAMES.map((name) => this.#startPart(name)));
    const secret = config.jwtSecret ?? (config.jwksUrl === undefined ? keepSecret(config.dataDir) : undefined);
    const settings = Object.fromEntries(this.#parts.map((part) => [VARIABLES[part.name], part.url]));
    const env = this.#options.environment({
      ...settings,
      STUDIO_DATA_DIR: config.dataDir,
      ...(secret !== undefined && { STUDIO_JWT_SECRET: secret }),
    });
    const [ready] = await Promise.all([this.#startStudio('serve', env), this.#startStudio('worker', env)]);
    if (this.#end.decided) return;
    const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : hostInUrl(config.host);
    const address = `http://${host}:${ready.port ?? config.port}`;
    const grpcAddress = `${host}:${ready.grpcPort ?? config.grpcPort}`;
    const token = secret === undefined ? undefined : await this.#options.signToken(secret);
    updateRun(config.dataDir, (state) => ({ ...state, address, grpcAddress, token }));
    this.#say('everything is ready');
    this.#options.print(welcome({ address, grpcAddress, token }));
  }

  /** What a run that was killed together with its watchdog left running. */
  async #clearAway(): Promise<void> {
    const { dataDir } = this.#options.config;
    const names = Object.keys(readRun(dataDir).processes);
    const reaped = await Promise.all(names.map(async (name) => ((await reapRecorded(dataDir, name)) ? [name] : [])));
    if (reaped.flat().length > 0) this.#say(`ended what an earlier run had left: ${reaped.flat().join(', ')}`);
    updateRun(dataDir, () => ({ processes: {}, parts: {} }));
    recordProcess(dataDir, 'watchdog', this.#watchdog.pid);
  }

  async #startPart(name: PartName): Promise<void> {
    const { dataDir, partsDir, searchPath, temporalNamespace: namespace, ...config } = this.#options.config;
    const given = { mongodb: config.mongodbUrl, nats: config.natsUrl, temporal: config.temporalAddress }[name];
    const onProgress = (line: string): void => this.#say(line);
    const part =
      given === undefined
        ? await startPart(name, { dataDir, partsDir, searchPath, namespace, onProgress }, this.#watchdog)
        : await usePart(name, given, VARIABLES[name], namespace);
    this.#parts.push(part);
    this.#say(`${name}: ready, ${part.version} (${part.command || VARIABLES[name]})`);
    const log = logPath(dataDir, name);
    void part.exited.then((how) =>
      this.#end.end(`${name} died (${describeEnding(how)}), so the studio ends too; its log is ${log}.`),
    );
  }

  async #startStudio(name: 'serve' | 'worker', env: NodeJS.ProcessEnv): Promise<ReadyMessage> {
    if (this.#end.decided) return { kind: 'ready' };
    const { config, entry } = this.#options;
    const child = startChild({
      name,
      command: process.execPath,
      args: [...entry, name],
      dataDir: config.dataDir,
      workingDir: process.cwd(),
      phase: 'studio',
      watchdog: this.#watchdog,
      env,
      isNode: true,
    });
    this.#studio.push(child);
    let isReady = false;
    const died = child.exited.then((ending): never => {
      const how = describeEnding(ending);
      const words = isReady ? '' : ` it last said: ${child.lastWords() || 'nothing'};`;
      const message = `studio ${name} died (${how}), so everything ends;${words} its log is ${child.logFile}.`;
      this.#end.end(message);
      throw new LocalFailure(message, 'Start again when the log shows the cause mended.');
    });
    const ready = await Promise.race([died, readyMessage(child), late(name, child)]);
    isReady = true;
    died.catch(() => {});
    this.#say(`studio ${name}: ready`);
    return ready;
  }

  #kill(): void {
    for (const one of [...this.#studio, ...this.#parts]) one.kill();
  }

  #say(line: string): void {
    this.#options.print(`${((performance.now() - this.#started) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  }
}

/** What `serve` and `worker` send to the process that started them. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly port?: number;
  readonly grpcPort?: number;
}

function readyMessage(child: Child): Promise<ReadyMessage> {
  return new Promise((resolve) => {
    child.process.on('message', (message: unknown) => {
      if (typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready') {
        resolve(message as ReadyMessage);
      }
    });
  });
}

function late(name: string, child: Child): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void =>
      reject(
        new LocalFailure(
          `studio ${name} was not ready ${CHILD_READY_MS_MAX / 1000} s after its start; it last said: ${child.lastWords() || 'nothing'}`,
          `Read ${child.logFile}, then start again.`,
        ),
      );
    setTimeout(fail, CHILD_READY_MS_MAX).unref();
  });
}

async function demandPort(host: string, port: number, variable: string): Promise<void> {
  const code = port === 0 ? undefined : await whyNotFree(port, host);
  if (code !== undefined) throw portFailure(code, host, port, variable);
}
