/** The first author: types through the gRPC client. Each edit names the state it was made in. */
import { OffsetEncoding, type StudioClient } from '../src/index.ts';
import type { Keystroke } from './trace.ts';

/** Stands in `caused_by` of this author's deltas, and so in their events. */
export const RPC_TYPIST = 'demo:rpc';

export class RpcTypist {
  /** By keystroke: the version it made. */
  readonly versions: number[] = [];
  readonly acknowledgedMs: number[] = [];
  readonly #client: StudioClient;
  readonly #blobId: string;
  #previousDelta = '';

  constructor(client: StudioClient, blobId: string) {
    this.#client = client;
    this.#blobId = blobId;
  }

  /** `fromVersion`: the newest version of the other author's that this one has seen. */
  async type(keystroke: Keystroke, fromVersion: number): Promise<void> {
    const started = performance.now();
    const { delta } = await this.#client.deltas.applyDelta({
      blobId: this.#blobId,
      fromVersion: BigInt(fromVersion),
      previousDelta: this.#previousDelta,
      causedBy: RPC_TYPIST,
      patch: {
        case: 'textEdits',
        value: {
          encoding: OffsetEncoding.CODE_POINTS,
          edits: keystroke.patches.map(({ position, deleted, inserted }) => ({
            offset: position,
            deleteCount: deleted,
            insert: inserted,
          })),
        },
      },
    });
    if (!delta) throw new Error('ApplyDelta answered without a delta.');
    this.acknowledgedMs.push(performance.now() - started);
    this.#previousDelta = delta.id;
    this.versions.push(Number(delta.toVersion));
  }
}
