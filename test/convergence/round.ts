/** One history by many hands: clients of every kind, processes that come and go, messages that get lost. */
import type { Random } from '../harness/random.ts';
import { Account } from './account.ts';
import { requireAgreement } from './agreement.ts';
import { ROUND_KINDS, type KindName, type RoundKind } from './kinds.ts';
import { patiently } from './patience.ts';
import { RpcClient } from './rpc-client.ts';
import type { RoundWorld, StudioProcess } from './studio-process.ts';
import { EDITOR, OWNER, USERS } from './users.ts';
import { YjsClient } from './yjs-client.ts';

export interface RoundOptions {
  readonly world: RoundWorld;
  readonly random: Random;
  readonly kind: KindName;
  readonly blobId: string;
  readonly processes: number;
  readonly steps: number;
}

/** Ids at both ends of what Yjs draws from, and in between. */
const CLIENT_IDS = [3, 4_294_967_295, 2_200_000_000, 3_000_000_000, 77, 2_147_483_648, 4_000_000_001, 5_000_011];
const YJS_CLIENTS = 3;
const RPC_CLIENTS = 3;
const PENDING_MAX = 5;
const SETTLE_ROUNDS_MAX = 60;

/** Throws where anything disagrees. */
export async function runRound(options: RoundOptions): Promise<Account> {
  const round = new Round(options);
  try {
    await round.begin();
    await round.run();
    await round.settle();
    return await round.judge();
  } finally {
    await round.end();
  }
}

class Round {
  readonly #world: RoundWorld;
  readonly #random: Random;
  readonly #kind: RoundKind;
  readonly #blobId: string;
  readonly #steps: number;
  readonly #count: number;
  readonly #account: Account;
  readonly #processes: StudioProcess[] = [];
  readonly #rpc: RpcClient[];
  readonly #yjs: YjsClient[] = [];
  readonly #clientIds: number[];
  readonly #pending = new Set<Promise<void>>();

  constructor(options: RoundOptions) {
    this.#world = options.world;
    this.#random = options.random;
    this.#kind = ROUND_KINDS[options.kind];
    this.#blobId = options.blobId;
    this.#steps = options.steps;
    this.#count = options.processes;
    this.#account = new Account(this.#kind);
    this.#clientIds = this.#random.shuffle(CLIENT_IDS);
    this.#rpc = Array.from({ length: RPC_CLIENTS }, (_, index) => {
      const process = (): StudioProcess => this.#random.pick(this.#processes);
      const user = USERS[index % USERS.length] ?? OWNER;
      const { ...shared } = { kind: this.#kind, blobId: this.#blobId, account: this.#account, random: this.#random };
      return new RpcClient({ name: `r${index}`, user, process, ...shared });
    });
    for (let index = 0; index < YJS_CLIENTS; index++) this.#newcomer();
  }

  #newcomer(): void {
    const clientId = this.#clientIds.shift();
    if (clientId === undefined) return;
    const user = USERS[this.#clientIds.length % USERS.length] ?? OWNER;
    const { ...shared } = { kind: this.#kind, blobId: this.#blobId, account: this.#account, random: this.#random };
    this.#yjs.push(new YjsClient({ user, clientId, ...shared }));
  }

  async begin(): Promise<void> {
    for (let index = 0; index < this.#count; index++) this.#processes.push(await this.#world.start());
    const { documents, sharing } = this.#random.pick(this.#processes);
    const caller = { userId: OWNER, administrator: false };
    const blob = {
      id: this.#blobId,
      content: Buffer.from(this.#kind.initial),
      contentType: this.#kind.contentType,
      parentIds: [],
      labels: {},
      requestId: `create-${this.#blobId}`,
    };
    await patiently(() => documents.createBlob(caller, blob));
    await patiently(() => sharing.grant(caller, { blobId: this.#blobId, userId: EDITOR, role: 'editor' }));
  }

  async run(): Promise<void> {
    for (let step = 0; step < this.#steps; step++) {
      await this.#step();
      if (this.#random.chance(0.3)) this.#world.deliver();
      if (this.#pending.size >= PENDING_MAX) await Promise.race(this.#pending);
      await this.#world.pause();
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const chosen = random.next();
    const yjs = random.pick(this.#yjs);
    if (chosen < 0.28) yjs.edit();
    else if (chosen < 0.42) await this.#maybeWait(yjs.send(random.int(1, 4)));
    else if (chosen < 0.56) yjs.receive(random.int(1, 5));
    else if (chosen < 0.84) await this.#maybeWait(random.pick(this.#rpc).act());
    else if (chosen < 0.93) await this.#comeOrGo(yjs);
    else if (chosen < 0.96) await this.#restart();
    else if (chosen < 0.97) this.#vanish(yjs);
    else await Promise.all(this.#pending);
  }

  /** Mostly others go on meanwhile. */
  async #maybeWait(doing: Promise<void>): Promise<void> {
    const settled = doing.catch((error: unknown) => {
      this.#account.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
    const pending = settled.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
    if (this.#random.chance(0.35)) await pending;
  }

  async #comeOrGo(client: YjsClient): Promise<void> {
    if (client.isConnected && this.#random.chance(0.5)) client.disconnect();
    else await this.#maybeWait(client.connect(this.#random.pick(this.#processes)));
  }

  async #restart(): Promise<void> {
    const index = this.#random.int(0, this.#processes.length);
    const started = await this.#world.start();
    const gone = this.#processes.splice(index, 1, started)[0];
    this.#account.count('restarts');
    if (this.#random.chance(0.5)) gone?.crash();
    else await gone?.stop();
  }

  #vanish(client: YjsClient): void {
    if (this.#clientIds.length === 0) return;
    client.vanish();
    this.#yjs.splice(this.#yjs.indexOf(client), 1);
    this.#newcomer();
  }

  /** Everybody comes back and takes in and hands over all there is. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    const caller = { userId: OWNER, administrator: false };
    // Also first tries nobody waits for any more: they may still delete the blob, or change it when all have read it.
    await this.#account.allDone();
    await patiently(() => this.#random.pick(this.#processes).documents.undeleteBlob(caller, this.#blobId, {}));
    for (let tries = 0; ; tries++) {
      this.#world.deliver();
      for (const client of this.#yjs) {
        await client.connect(this.#random.pick(this.#processes));
        client.receive();
        await client.send();
      }
      for (const { documents } of this.#processes) {
        await patiently(() => documents.getBlob(caller, this.#blobId, { withContent: false }));
      }
      if (this.#yjs.every((client) => client.isConnected && client.isIdle)) return;
      if (tries > SETTLE_ROUNDS_MAX) {
        const { problems, counts } = this.#account;
        const counted = [...counts].map(([what, times]) => `${times} × ${what}`);
        const seen = [...this.#yjs.map((client) => client.describe()), ...counted, ...problems];
        throw new Error(`the clients do not come to rest: ${seen.join('\n    ')}`);
      }
      await this.#world.pause();
    }
  }

  async judge(): Promise<Account> {
    const fresh = await this.#world.start('fresh');
    this.#processes.push(fresh);
    await requireAgreement({
      world: this.#world,
      kind: this.#kind,
      blobId: this.#blobId,
      account: this.#account,
      processes: this.#processes,
      clients: this.#yjs,
      random: this.#random,
    });
    return this.#account;
  }

  async end(): Promise<void> {
    for (const client of this.#yjs) client.disconnect();
    for (const process of this.#processes) await process.stop();
  }
}
