/** The real engine behind the editors' doors, in this process: with limits of its own, and with what goes on in it in sight. */
import { setMaxListeners } from 'node:events';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { createAuthenticator, type Authenticator } from '../../src/transport/auth/authentication.ts';
import { createEditorDoors, type EditorDoors } from '../../src/transport/editor-doors.ts';
import { startListener, type Listener } from '../../src/transport/port/listener.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

type DoorOptions = Parameters<typeof createEditorDoors>[0];

export interface Doors {
  readonly port: number;
  readonly socketAddress: string;
}

export const logger = pino({ level: 'silent' });

export class DoorWorld {
  readonly parts: TestParts;
  readonly engine: Engine;
  readonly authenticator: Authenticator;
  readonly #open: { doors: EditorDoors; listener: Listener }[] = [];

  private constructor(parts: TestParts, engine: Engine, authenticator: Authenticator) {
    this.parts = parts;
    this.engine = engine;
    this.authenticator = authenticator;
  }

  static async start(): Promise<DoorWorld> {
    const parts = await startParts({ mongodb: true, nats: true });
    const config = readConfig({ ...parts.environment, STUDIO_LOG_LEVEL: 'silent' });
    setMaxListeners(200, process);
    return new DoorWorld(parts, await openEngine(config, logger), createAuthenticator(config));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#open.map(({ doors }) => doors.drain()));
    await Promise.all(this.#open.map(({ listener }) => listener.drain()));
    await this.engine.close();
    await this.parts.stop();
  }

  token(userId = 'ada', options: { ttlSeconds?: number } = {}): Promise<string> {
    return signToken(this.parts.jwtSecret, { userId, ...options });
  }

  async doorsWith(
    limits: NonNullable<DoorOptions['limits']>,
    {
      documents = this.engine.documents,
      authenticator = this.authenticator,
    }: Partial<Pick<DoorOptions, 'documents' | 'authenticator'>> = {},
  ): Promise<Doors> {
    const doors = createEditorDoors({ documents, authenticator, logger, limits });
    const draining = new AbortController().signal;
    const { routes } = doors;
    const listener = await startListener({
      host: '127.0.0.1',
      port: 0,
      allowedOrigins: [],
      draining,
      logger,
      handlers: [],
      upgrades: routes,
    });
    this.#open.push({ doors, listener });
    return { port: listener.port, socketAddress: `ws://127.0.0.1:${listener.port}` };
  }

  async newText(userId = 'ada', text = ''): Promise<string> {
    const { blob } = await this.engine.documents.createBlob(
      { userId, administrator: false },
      { content: Buffer.from(text), contentType: 'text/plain', parentIds: [], labels: {} },
    );
    return blob.id;
  }

  async textOf(id: string, userId = 'ada'): Promise<string> {
    const { content } = await this.engine.documents.getBlob({ userId, administrator: false }, id, {
      withContent: true,
    });
    return Buffer.from(content ?? []).toString();
  }
}

/** Documents of this engine, to which editors' updates get only after `take` let them; meanwhile they wait, in order. */
export class HeldDocuments {
  readonly documents: Pick<Engine['documents'], 'open' | 'createBlob'>;
  readonly #waiting: (() => void)[] = [];
  #let = 0;

  constructor({ documents }: Engine) {
    this.documents = {
      createBlob: documents.createBlob.bind(documents),
      open: async (...request) => {
        const live = await documents.open(...request);
        const handIn = live.handIn.bind(live);
        live.handIn = (...update) => {
          this.#waiting.push(() => handIn(...update));
          this.take(0);
        };
        return live;
      },
    };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** So many more. */
  take(updates: number): void {
    this.#let += updates;
    for (; this.#let > 0 && this.#waiting.length > 0; this.#let -= 1) this.#waiting.shift()?.();
  }
}

/** In one piece, as far as the kernel lets it: what comes in one chunk is handled in one go. */
export function sendAtOnce(socket: WebSocket, messages: readonly Uint8Array[]): void {
  const { _socket: raw } = socket as unknown as { _socket: Duplex };
  raw.cork();
  for (const message of messages) socket.send(message);
  raw.uncork();
}
