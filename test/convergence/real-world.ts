/** Three engines in this process on a real database and a real NATS, shared by many rounds at once. */
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { auditStudio } from '../../src/documents/audit/audit.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { StudioError } from '../../src/errors.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startCutProxy, type CutProxy } from '../harness/cut-proxy.ts';
import type { TestParts } from '../harness/parts.ts';
import type { RoundWorld, StudioProcess } from './studio-process.ts';

const ENGINES = 3;
const DATABASE = 'rounds';
const CUT_EVERY_MS = 150;
const PAUSE_TURNS = 3;
const logger = pino({ level: 'silent' });

export class RealWorld implements RoundWorld {
  readonly database: Database;
  readonly #parts: TestParts;
  readonly #proxy: CutProxy;
  readonly #engines: Engine[];
  /** It takes part in no round: what it shows it has from the database. */
  readonly #fresh: Engine;
  readonly #cutting: NodeJS.Timeout;
  #started = 0;

  private constructor(parts: {
    readonly parts: TestParts;
    readonly database: Database;
    readonly proxy: CutProxy;
    readonly engines: Engine[];
    readonly fresh: Engine;
  }) {
    this.database = parts.database;
    this.#parts = parts.parts;
    this.#proxy = parts.proxy;
    this.#engines = parts.engines;
    this.#fresh = parts.fresh;
    this.#cutting = setInterval(() => {
      void this.#proxy.dropReply({ command: 'insert', collection: 'commits' });
    }, CUT_EVERY_MS);
  }

  /** The first engine reaches the database through a proxy that swallows replies. */
  static async open(parts: TestParts): Promise<RealWorld> {
    const proxy = await startCutProxy(parts.url('mongodb'));
    const engines = await Promise.all(
      Array.from({ length: ENGINES }, (_, index) => open(parts, index === 0 ? proxy.url : parts.url('mongodb'))),
    );
    const fresh = await open(parts, parts.url('mongodb'));
    const database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
    return new RealWorld({ parts, database, proxy, engines, fresh });
  }

  start(how?: 'fresh'): Promise<StudioProcess> {
    const engine = how === 'fresh' ? this.#fresh : this.#engines[this.#started++ % ENGINES];
    if (!engine) throw new Error('There is no engine.');
    return Promise.resolve(placeIn(engine));
  }

  /** One engine ends and another takes its place, with nothing loaded. */
  async replaceEngine(): Promise<void> {
    const gone = this.#engines.pop();
    await gone?.close();
    this.#engines.push(await open(this.#parts, this.#parts.url('mongodb')));
  }

  /** NATS does that. */
  deliver(): void {}

  async pause(): Promise<void> {
    for (let turns = 0; turns < PAUSE_TURNS; turns++) await turn();
  }

  async audit(blobId: string): Promise<readonly string[]> {
    const url = this.#parts.url('mongodb');
    const { findings } = await auditStudio({ url, database: DATABASE, blobIds: [blobId], logger });
    return findings.filter(({ level }) => level === 'difference').map(({ kind, text }) => `${kind}: ${text}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#cutting);
    await Promise.all([...this.#engines, this.#fresh].map((engine) => engine.close()));
    await this.database.close();
    await this.#proxy.close();
  }
}

function open(parts: TestParts, mongodbUrl: string): Promise<Engine> {
  const config = readConfig({
    ...parts.environment,
    STUDIO_MONGODB_URL: mongodbUrl,
    STUDIO_MONGODB_DATABASE: DATABASE,
    STUDIO_LOG_LEVEL: 'silent',
  });
  return openEngine(config, logger);
}

/** One round's use of an engine. Ending it ends that only. */
function placeIn(engine: Engine): StudioProcess {
  let leave: (error: Error) => void = () => undefined;
  const crashed = new Promise<never>((_resolve, reject) => {
    leave = reject;
  });
  crashed.catch(() => undefined);
  const stop = (): void => leave(new StudioError('DRAINING', 'stopped'));
  return {
    documents: engine.documents,
    sharing: engine.sharing,
    crashed,
    // The engine writes its heads itself.
    heal: () => Promise.resolve(),
    stop: () => Promise.resolve(stop()),
    crash: stop,
  };
}
