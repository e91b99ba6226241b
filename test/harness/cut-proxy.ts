/**
 * A TCP proxy before MongoDB that makes commands end with an unknown outcome: the request arrives, its reply does not.
 * It understands just enough of the wire protocol to find message borders and a command's name and collection.
 */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

const HEADER_BYTES = 16;
const OP_MSG = 2013;

export interface CommandMatch {
  /** `insert`, `find`, `update`, … */
  readonly command: string;
  readonly collection?: string;
}

export interface CutProxy {
  readonly url: string;
  /** Of the replies that came through it. */
  readonly replyBytes: number;
  /** Forwards the next request that matches, swallows its reply and cuts that connection; resolves when it has. */
  dropReply(match: CommandMatch): Promise<void>;
  /** Cuts the connection of the next request that matches without forwarding it; resolves when it has. */
  dropRequest(match: CommandMatch): Promise<void>;
  /** From now on nothing passes in either direction; connections stay. */
  pause(): void;
  resume(): void;
  /** Cuts all connections; new ones are refused until `accept()`. */
  refuse(): void;
  accept(): void;
  cutAll(): void;
  close(): Promise<void>;
}

interface Drop {
  readonly match: CommandMatch;
  readonly which: 'request' | 'reply';
  readonly done: () => void;
}

export async function startCutProxy(targetUrl: string): Promise<CutProxy> {
  const target = new URL(targetUrl);
  const drops: Drop[] = [];
  const pairs = new Set<Pair>();
  const state = { paused: false, refusing: false, replyBytes: 0 };
  const server = createServer((client) => {
    if (state.refusing) {
      client.destroy();
      return;
    }
    const pair = new Pair(client, createConnection(Number(target.port), target.hostname), drops);
    pairs.add(pair);
    pair.onReply = (bytes) => void (state.replyBytes += bytes);
    if (state.paused) pair.pause();
    client.once('close', () => pairs.delete(pair));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = new URL(targetUrl);
  own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const cutAll = (): void => pairs.forEach((pair) => pair.cut());
  const drop = (which: Drop['which'], match: CommandMatch): Promise<void> =>
    new Promise((done) => void drops.push({ which, match, done }));
  return {
    url: own.href,
    get replyBytes() {
      return state.replyBytes;
    },
    dropReply: (match) => drop('reply', match),
    dropRequest: (match) => drop('request', match),
    pause: () => {
      state.paused = true;
      pairs.forEach((pair) => pair.pause());
    },
    resume: () => {
      state.paused = false;
      pairs.forEach((pair) => pair.resume());
    },
    refuse: () => {
      state.refusing = true;
      cutAll();
    },
    accept: () => void (state.refusing = false),
    cutAll,
    close: async () => {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Pair {
  onReply: (bytes: number) => void = () => undefined;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #drops: Drop[];
  /** Request ids whose replies are to be swallowed. */
  readonly #swallow = new Map<number, Drop>();

  constructor(client: Socket, server: Socket, drops: Drop[]) {
    this.#client = client;
    this.#server = server;
    this.#drops = drops;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.cut());
      socket.once('close', () => this.cut());
    }
    client.on(
      'data',
      splitMessages((message) => this.#onRequest(message)),
    );
    server.on(
      'data',
      splitMessages((message) => this.#onReply(message)),
    );
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  pause(): void {
    this.#client.pause();
    this.#server.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#server.resume();
  }

  #onRequest(message: Buffer): void {
    const command = readCommand(message);
    const index = this.#drops.findIndex(({ match }) => command !== undefined && matches(match, command));
    const [drop] = index < 0 ? [] : this.#drops.splice(index, 1);
    if (drop?.which === 'request') {
      this.cut();
      return drop.done();
    }
    if (drop) this.#swallow.set(message.readInt32LE(4), drop);
    if (!this.#server.destroyed) this.#server.write(message);
  }

  #onReply(message: Buffer): void {
    this.onReply(message.byteLength);
    const drop = this.#swallow.get(message.readInt32LE(8));
    if (drop) {
      this.cut();
      return drop.done();
    }
    if (!this.#client.destroyed) this.#client.write(message);
  }
}

function splitMessages(handle: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const bytes = rest.readInt32LE(0);
      const message = rest.subarray(0, bytes);
      rest = rest.subarray(bytes);
      handle(message);
    }
  };
}

/** The first element of an OP_MSG's body is the command: its name, and for most its collection. */
function readCommand(message: Buffer): { command: string; collection: string } | undefined {
  const sectionKind = message[HEADER_BYTES + 4];
  if (message.readInt32LE(12) !== OP_MSG || sectionKind !== 0) return undefined;
  const element = HEADER_BYTES + 4 + 1 + 4;
  const nameEnd = message.indexOf(0, element + 1);
  const command = message.toString('utf8', element + 1, nameEnd);
  const isString = message[element] === 0x02;
  const length = isString ? message.readInt32LE(nameEnd + 1) : 1;
  return { command, collection: isString ? message.toString('utf8', nameEnd + 5, nameEnd + 5 + length - 1) : '' };
}

function matches(match: CommandMatch, command: { command: string; collection: string }): boolean {
  return (
    match.command === command.command && (match.collection === undefined || match.collection === command.collection)
  );
}
