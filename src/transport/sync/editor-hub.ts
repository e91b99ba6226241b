/** What all who edit through this process share, whichever door they took: documents, limits, rhythm; of sockets the end. */
import * as limits from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { LargeSends } from './large-sends.ts';
import { SharedDocuments } from './shared-documents.ts';
import { UserGate } from './user-gate.ts';
import type { Logger } from 'pino';
import type { Documents } from '../../documents/contract.ts';
import type { Authenticator } from '../auth/authentication.ts';
import type { EditorSocket } from './editor-socket.ts';
import type { Rate, RateLimit } from './rate.ts';
import type { RelayChannel } from './shared-document.ts';

export interface EditorLimits {
  readonly connections: number;
  readonly connectionsPerUser: number;
  readonly connectionsPerDocument: number;
  readonly streams: number;
  readonly documentsPerUser: number;
  readonly documentsPerSocket: number;
  readonly authenticationMs: number;
  readonly namelessSockets: number;
  readonly pingEveryMs: number;
  readonly connectionRate: RateLimit;
  readonly documentRate: RateLimit;
  readonly userRate: RateLimit;
}

const LIMITS: EditorLimits = {
  connections: limits.SYNC_CONNECTIONS_MAX,
  connectionsPerUser: limits.SYNC_CONNECTIONS_PER_USER_MAX,
  connectionsPerDocument: limits.SYNC_CONNECTIONS_PER_DOCUMENT_MAX,
  streams: limits.SYNC_STREAMS_MAX,
  documentsPerUser: limits.SYNC_DOCUMENTS_PER_USER_MAX,
  documentsPerSocket: limits.SYNC_DOCUMENTS_PER_SOCKET_MAX,
  namelessSockets: limits.SYNC_NAMELESS_SOCKETS_MAX,
  authenticationMs: limits.SYNC_AUTHENTICATION_MS_MAX,
  pingEveryMs: limits.SYNC_PING_EVERY_MS,
  connectionRate: {
    messagesPerSecond: limits.SYNC_CONNECTION_MESSAGES_PER_SECOND_MAX,
    bytesPerSecond: limits.SYNC_CONNECTION_BYTES_PER_SECOND_MAX,
  },
  documentRate: {
    messagesPerSecond: limits.SYNC_DOCUMENT_MESSAGES_PER_SECOND_MAX,
    bytesPerSecond: limits.SYNC_DOCUMENT_BYTES_PER_SECOND_MAX,
  },
  userRate: {
    messagesPerSecond: limits.SYNC_USER_MESSAGES_PER_SECOND_MAX,
    bytesPerSecond: limits.SYNC_USER_BYTES_PER_SECOND_MAX,
  },
};

export interface EditorHubOptions {
  readonly documents: Pick<Documents, 'open' | 'createBlob'>;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  /** Blobs of this content type are made for ids that are named and do not exist; absent: they are refused. */
  readonly createType?: string;
  /** Absent: editors of other processes are not seen. */
  readonly awareness?: RelayChannel;
  readonly stateless?: RelayChannel;
  /** Lower ones than limits.ts has, for tests. */
  readonly limits?: Partial<EditorLimits>;
}

/** Somebody with edits that are not durable yet, who wants to know when that lasts. */
export interface Anxious {
  checkUnsaved(nowMs: number): void;
}

const TIDY_TICKS = limits.SYNC_TIDY_EVERY_MS / limits.SYNC_TICK_MS;

function tickNow(): number {
  return Math.floor(performance.now() / limits.SYNC_TICK_MS);
}

/** Somebody who is read no further while a rate is over. */
export interface Throttled {
  unthrottle(): void;
}

export class EditorHub {
  readonly engine: EditorHubOptions['documents'];
  readonly authenticator: Authenticator;
  readonly createType: string | undefined;
  readonly limits: EditorLimits;
  readonly documents: SharedDocuments;
  readonly users: UserGate;
  readonly largeSends = new LargeSends();
  readonly anxious = new Set<Anxious>();
  /** Counts SYNC_TICK_MS, by the clock: a process that is late with its timers does not give less. */
  tick = tickNow();
  /** Handshakes that wait for their document. */
  opening = 0;
  readonly #logger: Logger;
  /** One is pinged a tick, so that many connections are not all written to at once. */
  readonly #slices: readonly Set<EditorSocket>[];
  readonly #sliceOf = new Map<EditorSocket, Set<EditorSocket>>();
  readonly #throttled = new Map<Throttled, Rate>();
  /** Whose rates are counted by the tick. */
  readonly #present = new Set<Throttled>();
  #later: (() => void)[] = [];
  #served = 0;
  #beats = 0;
  #ticking: NodeJS.Timeout | undefined;
  #draining: Promise<void> | undefined;

  constructor(options: EditorHubOptions) {
    this.engine = options.documents;
    this.authenticator = options.authenticator;
    this.createType = options.createType;
    this.#logger = options.logger;
    this.limits = { ...LIMITS, ...options.limits };
    const slices = this.limits.pingEveryMs / limits.SYNC_TICK_MS;
    this.#slices = Array.from({ length: slices }, () => new Set<EditorSocket>());
    this.documents = new SharedDocuments({
      rate: this.limits.documentRate,
      membersMax: this.limits.connectionsPerDocument,
      perUserMax: this.limits.documentsPerUser,
      awareness: options.awareness,
      stateless: options.stateless,
    });
    this.users = new UserGate(this.limits);
  }

  get isFull(): boolean {
    return this.#sliceOf.size + this.opening >= this.limits.connections;
  }

  add(socket: EditorSocket): void {
    const slice = this.#slices[this.#served++ % this.#slices.length];
    if (!slice) throw new Error('there is a slice for every turn');
    slice.add(socket);
    this.#sliceOf.set(socket, slice);
    this.attend(socket);
  }

  remove(socket: EditorSocket): void {
    this.#sliceOf.get(socket)?.delete(socket);
    this.#sliceOf.delete(socket);
    this.depart(socket);
  }

  /** From here on the tick is counted for it, until it departs. */
  attend(one: Throttled): void {
    this.#present.add(one);
    if (this.#ticking) return;
    // Nobody counted while there was nobody: the first would have its rates filled up twice.
    this.tick = tickNow();
    this.#ticking = setInterval(() => this.#onTick(), limits.SYNC_TICK_MS).unref();
  }

  depart(one: Throttled): void {
    this.#present.delete(one);
    this.#throttled.delete(one);
    if (this.#present.size > 0) return;
    // An idle process does not wake for nobody.
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  /** It is read again once the rate is not exceeded any more. */
  throttle(one: Throttled, rate: Rate): void {
    this.#throttled.set(one, rate);
  }

  /** At the next tick. */
  later(run: () => void): void {
    this.#later.push(run);
  }

  explain(error: unknown): StudioError {
    const failure = StudioError.from(error);
    if (failure.reason === 'INTERNAL') this.#logger.error({ err: error }, 'an editor failed');
    return failure;
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drainAll();
    return this.#draining;
  }

  async #drainAll(): Promise<void> {
    const error = new StudioError('DRAINING', 'The studio is stopping.');
    await Promise.all([...this.#sliceOf.keys()].map((socket) => socket.drain(error)));
  }

  #onTick(): void {
    this.tick = tickNow();
    const nowMs = performance.now();
    for (const [one, rate] of this.#throttled) {
      if (rate.isOver(this.tick)) continue;
      this.#throttled.delete(one);
      one.unthrottle();
    }
    for (const anxious of this.anxious) anxious.checkUnsaved(nowMs);
    if (!this.largeSends.isIdle) this.largeSends.passOn(nowMs);
    const due = this.#later;
    this.#later = [];
    for (const run of due) run();
    if (!this.#draining) this.#beat(nowMs);
  }

  #beat(nowMs: number): void {
    for (const socket of this.#slices[this.#beats++ % this.#slices.length] ?? []) socket.beat(nowMs);
    if (this.#beats % TIDY_TICKS === 0) this.documents.tidy(nowMs);
  }
}
