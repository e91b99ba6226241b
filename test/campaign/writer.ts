/** A gRPC client that never gives up: what was not answered is asked again, through any process, as the same request. */
import { Code, ConnectError } from '@connectrpc/connect';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../harness/random.ts';
import { reasonOf, type StudioClient } from '../harness/studio-client.ts';
import type { CampaignBlob } from './blobs.ts';
import type { AnsweredDelta, CampaignRequest, Ledger } from './ledger.ts';
import { createRequest, makeRequest, type View } from './requests.ts';
import type { World } from './world.ts';

const CALL_MS_MAX = 20_000;
const RETRY_PAUSE_MS = 100;
/** One that a client gives up on early: for the client a lost reply. */
const IMPATIENT_MS_MAX = 30;
/** Chains above one version are kept short of their limit. */
const CHAIN_LENGTH_MAX = 40;

/** Refusals that a request may get rightly, by what is done to the blob meanwhile. */
const EXPECTED_REFUSALS: Readonly<Record<string, readonly string[]>> = {
  passing: ['BLOB_DELETED'],
};
/** An answer that says nothing of whether the change is in, or that it may be tried again. */
const TRY_AGAIN = [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Unknown, Code.Aborted];

export class Writer {
  readonly #name: string;
  readonly #blobs: readonly CampaignBlob[];
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #clients: readonly StudioClient[];
  readonly #views = new Map<string, View & { chain: number }>();
  #requests = 0;
  #stopping = false;
  /** Requests that were refused for good, which therefore must not be in the log. */
  readonly refused: CampaignRequest[] = [];

  constructor(options: {
    readonly name: string;
    readonly world: World;
    readonly blobs: readonly CampaignBlob[];
    readonly ledger: Ledger;
    readonly random: Random;
  }) {
    this.#name = options.name;
    this.#blobs = options.blobs;
    this.#ledger = options.ledger;
    this.#random = options.random;
    this.#clients = options.world.places.map((_, index) => options.world.connect(index, this.#random.pick(PROTOCOLS)));
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Ends when told to, with its last request answered. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      const requestId = `${this.#name}-${this.#requests++}`;
      if (this.#random.chance(0.02)) await this.#settle(createRequest(requestId, requestId));
      else await this.#change(this.#random.pick(this.#blobs), requestId);
      await sleep(this.#random.int(0, 40));
    }
  }

  async #change(blob: CampaignBlob, requestId: string): Promise<void> {
    const held = this.#views.get(blob.id);
    if (!held || held.chain >= CHAIN_LENGTH_MAX || this.#random.chance(0.15)) await this.#look(blob);
    const view = this.#random.chance(0.8) ? this.#views.get(blob.id) : undefined;
    const { request, characters } = makeRequest(blob, view, requestId, this.#random);
    const deltas = await this.#settle(request);
    const last = deltas?.at(-1);
    // Only what was made on the view leads to a view that is known.
    if (!view || !characters) return;
    if (last?.requestId !== requestId) this.#views.delete(blob.id);
    else {
      const chain = (this.#views.get(blob.id)?.chain ?? 0) + 1;
      this.#views.set(blob.id, { version: view.version, characters, previousDelta: last.id, chain });
    }
  }

  async #look(blob: CampaignBlob): Promise<void> {
    try {
      const { blob: read } = await this.#random
        .pick(this.#clients)
        .blobs.getBlob({ id: blob.id }, { timeoutMs: 5_000 });
      if (!read) return;
      const content = Buffer.from(read.content).toString(blob.kind === 'binary' ? 'base64' : 'utf8');
      this.#ledger.read({ blobId: blob.id, version: Number(read.version), content });
      this.#ledger.count('read');
      this.#views.set(blob.id, { version: read.version, characters: [...content], chain: 0 });
    } catch (error) {
      this.#expectFailure(error, `reading ${blob.id}`);
    }
  }

  /** Undefined: it was refused, and nothing of it is in. */
  async #settle(request: CampaignRequest): Promise<readonly AnsweredDelta[] | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        const deltas = await request.send(this.#random.pick(this.#clients), this.#patience());
        this.#ledger.acknowledge({ request, deltas, tries });
        return deltas;
      } catch (error) {
        if (!isFinal(error)) {
          this.#ledger.count('tries without an answer');
          await sleep(this.#random.int(0, RETRY_PAUSE_MS));
          continue;
        }
        // An earlier try may still be on its way, through a process that does not know of the reason.
        if (tries === 1) this.refused.push(request);
        const reason = reasonOf(error) ?? 'no reason';
        this.#ledger.count(`refused: ${reason}`);
        const kind = request.blobId.replace(/-\d+$/, '');
        if (!EXPECTED_REFUSALS[kind]?.includes(reason)) {
          this.#ledger.find(`${request.kind} ${request.requestId} on ${request.blobId}: ${String(error)} (${reason})`);
        }
        return undefined;
      }
    }
  }

  #patience(): { timeoutMs?: number; signal?: AbortSignal } {
    if (!this.#random.chance(0.05)) return { timeoutMs: CALL_MS_MAX };
    return { signal: AbortSignal.timeout(this.#random.int(1, IMPATIENT_MS_MAX)) };
  }

  #expectFailure(error: unknown, doing: string): void {
    if (isFinal(error)) this.#ledger.find(`${doing}: ${String(error)} (${reasonOf(error) ?? 'no reason'})`);
    else this.#ledger.count('reads without an answer');
  }
}

const PROTOCOLS = ['connect', 'grpc'] as const;

/** A socket that breaks in the middle of an answer has no reason; what the studio refuses has one. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return true;
  const reason = reasonOf(error);
  if (reason === 'LIMIT_EXCEEDED') return false;
  return reason === undefined ? error.code === Code.InvalidArgument : !TRY_AGAIN.includes(error.code);
}
