/** One ApplyDeltas stream, used like a call: a change goes out, and its own acknowledgement is waited for. */
import type { StudioClient } from '../clients/node/src/index.ts';

type Requests = Parameters<StudioClient['deltas']['applyDeltas']>[0];
type Request = Requests extends AsyncIterable<infer R> ? R : never;
type Delta = Request['delta'];

interface Outstanding {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class DeltaStream {
  readonly #unsent: Request[] = [];
  readonly #outstanding = new Map<bigint, Outstanding>();
  #reference = 0n;
  #wake: () => void = () => {};
  #isClosed = false;

  constructor(client: StudioClient) {
    void this.#read(client).catch((error: unknown) => this.#fail(error));
  }

  apply(delta: Delta): Promise<void> {
    const reference = (this.#reference += 1n);
    return new Promise((resolve, reject) => {
      this.#outstanding.set(reference, { resolve, reject });
      this.#unsent.push({ reference, delta });
      this.#wake();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *#requests(): AsyncGenerator<Request> {
    for (;;) {
      for (let next = this.#unsent.shift(); next; next = this.#unsent.shift()) yield next;
      if (this.#isClosed) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #read(client: StudioClient): Promise<void> {
    for await (const { reference, outcome } of client.deltas.applyDeltas(this.#requests())) {
      const outstanding = this.#outstanding.get(reference);
      this.#outstanding.delete(reference);
      if (outcome.case === 'applied') outstanding?.resolve();
      else outstanding?.reject(new Error(outcome.value?.message ?? 'no outcome'));
    }
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#outstanding.values())
      reject(error instanceof Error ? error : new Error(String(error)));
  }
}
