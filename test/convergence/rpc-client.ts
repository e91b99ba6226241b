/** A caller of the API: edits on the head, on old versions and on chains; repeats what it got no answer to. */
import type { Committed } from '../../src/documents/contract.ts';
import type { Caller } from '../../src/domain/access/caller.ts';
import type { Delta } from '../../src/domain/delta.ts';
import { StudioError } from '../../src/errors.ts';
import type { Random } from '../harness/random.ts';
import type { Account } from './account.ts';
import type { RoundKind } from './kinds.ts';
import { isUnanswered } from './patience.ts';
import { makeChange, type Change, type View } from './changes.ts';
import type { StudioProcess } from './studio-process.ts';
import { OWNER } from './users.ts';

/** The same request through two processes at once. */
const DOUBLED = 0.12;
const TRIES_MAX = 12;
const CHAIN_LENGTH_MAX = 10;

/** What the other clients of a round may rightly make impossible. */
const REFUSALS = ['BLOB_DELETED'];
const REFUSALS_WHERE_FREE = [
  'BLOB_DELETED',
  'CONTENT_INVALID',
  'EDIT_OUT_OF_RANGE',
  'EDIT_SPLITS_CHARACTER',
  'FIELD_INVALID',
];

export class RpcClient {
  readonly #name: string;
  readonly #caller: Caller;
  readonly #kind: RoundKind;
  readonly #blobId: string;
  readonly #account: Account;
  readonly #random: Random;
  readonly #process: () => StudioProcess;
  readonly #ownDeltas: Delta[] = [];
  #view: (View & { readonly chain: number }) | undefined;
  #requests = 0;
  #busy = false;

  constructor(options: {
    /** A name of its own, for request ids. */
    readonly name: string;
    readonly user: string;
    readonly kind: RoundKind;
    readonly blobId: string;
    readonly account: Account;
    readonly random: Random;
    /** Any process that is up. */
    readonly process: () => StudioProcess;
  }) {
    this.#name = options.name;
    this.#caller = { userId: options.user, administrator: false };
    this.#kind = options.kind;
    this.#blobId = options.blobId;
    this.#account = options.account;
    this.#random = options.random;
    this.#process = options.process;
  }

  get isBusy(): boolean {
    return this.#busy;
  }

  /** One change, until it is answered. A client waits for its answer before it goes on. */
  async act(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (!this.#view || this.#view.chain >= CHAIN_LENGTH_MAX || this.#random.chance(0.25)) await this.#look();
      const view = this.#random.chance(0.75) ? this.#view : undefined;
      const change = makeChange({
        kind: this.#kind,
        view,
        tokens: this.#account.tokens,
        ownDeltas: this.#ownDeltas.map(({ id }) => id),
        userId: this.#caller.userId,
        isOwner: this.#caller.userId === OWNER,
        random: this.#random,
      });
      await this.#settle(change, view);
    } finally {
      this.#busy = false;
    }
  }

  /** Mostly the head; now and then what it was. */
  async #look(): Promise<void> {
    const { documents } = this.#process();
    try {
      const head = await documents.getBlob(this.#caller, this.#blobId, { withContent: true });
      const version = this.#random.chance(0.2) ? this.#random.int(1, head.version + 1) : head.version;
      const blob =
        version === head.version
          ? head
          : await documents.getBlob(this.#caller, this.#blobId, { withContent: true, version });
      const content = Buffer.from(blob.content ?? []).toString(this.#kind.name === 'binary' ? 'hex' : 'utf8');
      this.#account.read(version, content);
      this.#view = { version, characters: [...content], chain: 0 };
    } catch (error) {
      if (!isUnanswered(error) && !isRefusal(error, this.#kind)) throw error;
    }
  }

  async #settle(change: Change, view: View | undefined): Promise<void> {
    const requestId = `${this.#name}-${this.#requests++}`;
    for (let tries = 1; ; tries++) {
      try {
        const answers = [this.#send(change, requestId, this.#process())];
        if (this.#random.chance(DOUBLED)) answers.push(this.#send(change, requestId, this.#process()));
        const settled = await Promise.allSettled(answers);
        const answered = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
        const failed = settled.find((one) => one.status === 'rejected');
        // One of two may be refused, for what the other process does not know yet.
        if (failed && (answered.length === 0 || !isRefusal(failed.reason, this.#kind))) throw failed.reason;
        this.#answered(change, view, requestId, answered);
        return;
      } catch (error) {
        if (isUnanswered(error) && tries < TRIES_MAX) continue;
        if (!isRefusal(error, this.#kind)) {
          this.#account.problems.push(`${change.name} ${requestId}: ${describe(error)}`);
        }
        // An earlier try may still be on its way, through a process that does not know of the reason.
        for (const token of change.deleted) this.#account.perhapsDeleted.add(token);
        this.#account.count(`refused: ${error instanceof StudioError ? error.reason : 'unknown'}`);
        return;
      }
    }
  }

  #answered(change: Change, view: View | undefined, requestId: string, answers: readonly (readonly Delta[])[]): void {
    // The same request in two processes at once: where one finds nothing to do, the other may, a moment later.
    const own = answers.filter((deltas) => deltas.length > 0 && deltas.every((delta) => delta.requestId === requestId));
    const isOwn = own.length > 0;
    const deltas = own[0] ?? answers[0] ?? [];
    const ids = deltas.map(({ id }) => id).join();
    if (own.some((repeat) => repeat.map(({ id }) => id).join() !== ids))
      this.#account.problems.push(`${change.name} ${requestId} was answered in two ways`);
    this.#account.count(change.name);
    for (const token of change.inserted) this.#account.due.add(token);
    for (const token of change.deleted) this.#account.deleted.add(token);
    for (const delta of isOwn ? deltas : []) {
      this.#ownDeltas.push(delta);
      this.#account.acknowledged.push({ requestId, deltaId: delta.id, version: delta.toVersion });
    }
    const last = deltas.at(-1);
    if (!view || !change.after) return;
    if (!isOwn || !last) this.#view = undefined;
    else {
      const chain = (this.#view?.chain ?? 0) + 1;
      this.#view = { version: view.version, characters: change.after, previousDelta: last.id, chain };
    }
  }

  async #send(change: Change, requestId: string, process: StudioProcess): Promise<readonly Delta[]> {
    const { documents, crashed } = process;
    const blobId = this.#blobId;
    const base = { fromVersion: change.fromVersion, previousDelta: change.previousDelta };
    const one = async (call: Promise<Committed>): Promise<readonly Delta[]> => [(await call).delta];
    const call = (): Promise<readonly Delta[]> => {
      switch (change.how) {
        case 'delete':
          return one(documents.deleteBlob(this.#caller, blobId, { requestId }));
        case 'undelete':
          return one(documents.undeleteBlob(this.#caller, blobId, { requestId }));
        case 'revert':
          return one(
            documents.revertBlob(this.#caller, {
              blobId,
              target: change.target,
              fromVersion: change.fromVersion,
              requestId,
            }),
          );
        case 'batch':
          return documents
            .batchApplyDeltas(this.#caller, { blobId, ...base, requestId, patches: change.patches })
            .then(({ deltas }) => deltas);
        case 'patch':
          return one(documents.applyDelta(this.#caller, { blobId, ...base, requestId, patch: change.patch }));
      }
    };
    return Promise.race([this.#account.follow(call()), crashed]);
  }
}

function isRefusal(error: unknown, kind: RoundKind): boolean {
  return error instanceof StudioError && (kind.accounted ? REFUSALS : REFUSALS_WHERE_FREE).includes(error.reason);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
