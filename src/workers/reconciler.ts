/**
 * Finds what events missed: a lost event, a stream that was wiped, a workflow that is gone. It looks at every DAG that
 * changed since its last pass, or of which it changed who may read it, at those that had something left to do then, and at runs whose holder is gone (G9: within
 * two passes of when it is due).
 */
import type { Logger } from 'pino';
import type { ChangedAccess } from '../access/contract.ts';
import type { Blob } from '../domain/blob.ts';
import type { Run } from '../domain/derivation/run.ts';
import {
  EXECUTION_LEASE_MS,
  RECONCILE_EVERY_MS,
  RECONCILE_OVERLAP_MS,
  RECONCILE_PAGE_HEADS,
  RECONCILE_HEADS_REMEMBERED_MAX,
  RECONCILE_ROOTS_WAITING_MAX,
  RECONCILE_WAITS_MS_MAX,
} from '../limits.ts';
import type { ExecutionStarter, Registrations, Runs } from '../providers/stores.ts';
import type { SeenVersions } from './names.ts';
import type { Planner } from './planner.ts';
import { rootWorkflowId } from './root-workflow.ts';
import type { RootSignals } from './signals.ts';

export interface ReconcilerParts {
  /** Heads updated at or after a moment, oldest first. */
  readonly heads: {
    updatedSince(since: Date, limit: number): Promise<Blob[]>;
    getMany(ids: readonly string[]): Promise<Blob[]>;
  };
  /** Who may read what: blobs of which that changed at or after a moment, oldest first. */
  readonly accessLists: { changedSince(since: Date, limit: number): Promise<ChangedAccess[]> };
  /** Where a reconciler begins that was just started; survives restarts. */
  readonly mark: { read(): Promise<Date | undefined>; write(at: Date): Promise<void> };
  readonly planner: Pick<Planner, 'plan'>;
  readonly providers: Pick<Registrations, 'get'>;
  readonly runs: Pick<Runs, 'abandoned'>;
  readonly starter: Pick<ExecutionStarter, 'start'>;
  readonly signals: Pick<RootSignals, 'signal'>;
  readonly logger: Logger;
  readonly now: () => Date;
}

/** A root where blobs of this owner changed; a DAG with several owners gives several. */
interface ChangedRoot {
  readonly rootId: string;
  readonly owner: string;
  readonly newestMs: number;
  /** What changed, which a plan over a very large DAG might not find by itself. */
  readonly seen: SeenVersions;
  /** Who may read it changed, which no version tells of. */
  readonly byAccess: boolean;
}

/** A root in which something is left to do. */
interface WaitingRoot {
  readonly root: ChangedRoot;
  /** Not looked at before, unless it changes. */
  readonly dueMs: number;
  /** It could not be looked at. */
  readonly hasFailed: boolean;
}

export class Reconciler {
  readonly #parts: ReconcilerParts;
  /** Where the last pass of this process ended. */
  #reachedMs: number | undefined;
  /** By workflow id. Until they are found in order, however long ago they changed: their workflow may be lost meanwhile. */
  readonly #waiting = new Map<string, WaitingRoot>();
  /** Blob → its version when its root was found in order. Not a time, for a head may come later than one that changed after it. */
  readonly #inOrder = new Map<string, number>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** A pass every RECONCILE_EVERY_MS until `signal` aborts; a failed one is logged and tried again in the next. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.pass(signal);
      } catch (error) {
        this.#parts.logger.warn({ err: error }, 'reconciling failed; it is tried again');
      }
      await pause(RECONCILE_EVERY_MS, signal);
    }
  }

  /** How many roots had something left undone. */
  async pass(signal?: AbortSignal): Promise<number> {
    const { mark, now } = this.#parts;
    const startedMs = now().getTime();
    const fromMs = this.#reachedMs ?? (await mark.read())?.getTime();
    const since = new Date(fromMs === undefined ? 0 : fromMs - RECONCILE_OVERLAP_MS);
    let behind = 0;
    let reachedMs = startedMs;
    const looked = new Set<string>();
    for await (const roots of this.#changedRoots(since)) {
      for (const [id, root] of roots) {
        if (signal?.aborted) return behind;
        looked.add(id);
        if (await this.#isInOrder(id, root)) continue;
        behind += 1;
        // No room among those that wait: it is found again as long as the next pass begins before it.
        if (!this.#waiting.has(id)) reachedMs = Math.min(reachedMs, root.newestMs);
      }
    }
    for (const [id, { root }] of this.#waiting) {
      if (signal?.aborted) return behind;
      if (!looked.has(id) && !(await this.#isInOrder(id, root))) behind += 1;
    }
    await this.#takeUpAbandoned();
    this.#reachedMs = reachedMs;
    await mark.write(new Date(Math.min(reachedMs, this.#waitingSinceMs(startedMs))));
    return behind;
  }

  async #isInOrder(id: string, root: ChangedRoot): Promise<boolean> {
    try {
      const dueMs = await this.#reconcile(id, root);
      if (dueMs === undefined) this.#waiting.delete(id);
      else this.#wait(id, { root: { ...root, byAccess: false }, dueMs, hasFailed: false });
      return dueMs === undefined;
    } catch (error) {
      this.#parts.logger.warn({ err: error, root: id }, 'a root could not be reconciled; it is tried again');
      this.#wait(id, { root, dueMs: 0, hasFailed: true });
      return false;
    }
  }

  #wait(id: string, waiting: WaitingRoot): void {
    if (this.#waiting.has(id) || this.#waiting.size < RECONCILE_ROOTS_WAITING_MAX) this.#waiting.set(id, waiting);
  }

  /** Undefined: the root is in order. Else when it is to be looked at again. */
  async #reconcile(id: string, root: ChangedRoot): Promise<number | undefined> {
    const nowMs = this.#parts.now().getTime();
    const waiting = this.#waiting.get(id);
    const { rootId, owner, seen, byAccess } = root;
    const changed = Object.entries(seen);
    if (waiting && waiting.dueMs > nowMs && !byAccess) {
      const known = waiting.root.seen;
      if (changed.every(([blobId, { version }]) => known[blobId]?.version === version)) return waiting.dueMs;
    }
    const isInOrder = changed.every(([blobId, { version }]) => this.#inOrder.get(blobId) === version);
    if (!waiting && !byAccess && isInOrder) return undefined;
    const plan = await this.#parts.planner.plan({ rootId, owner, seen, running: [] });
    const isReady = plan.ready.length > 0;
    if (isReady || plan.wakeAtMs !== undefined) {
      // Also of what waits: a plan over a very large DAG might not find it without its name.
      await this.#parts.signals.signal(rootId, owner, seen);
      return isReady ? nowMs : plan.wakeAtMs;
    }
    for (const [blobId, { version }] of changed) this.#remember(blobId, version);
    return undefined;
  }

  #remember(blobId: string, version: number): void {
    this.#inOrder.delete(blobId);
    this.#inOrder.set(blobId, version);
    const [oldest] = this.#inOrder.keys();
    if (this.#inOrder.size > RECONCILE_HEADS_REMEMBERED_MAX && oldest !== undefined) this.#inOrder.delete(oldest);
  }

  /** Before it nothing waits: one that is started after this process begins there. */
  #waitingSinceMs(nowMs: number): number {
    let sinceMs = Infinity;
    for (const { root, hasFailed } of this.#waiting.values()) {
      const longAgoMs = hasFailed ? -Infinity : nowMs - RECONCILE_WAITS_MS_MAX;
      sinceMs = Math.min(sinceMs, Math.max(root.newestMs, longAgoMs));
    }
    return sinceMs;
  }

  /** A run whose lease lapsed long ago is nobody's: its workflow ended without it, or Temporal lost its data. */
  async #takeUpAbandoned(): Promise<void> {
    const before = new Date(this.#parts.now().getTime() - EXECUTION_LEASE_MS);
    for (const run of await this.#parts.runs.abandoned(before, RECONCILE_PAGE_HEADS)) {
      try {
        await this.#takeUp(run);
      } catch (error) {
        this.#parts.logger.warn(
          { err: error, key: run.key },
          'an abandoned run could not be taken up; it is tried again',
        );
      }
    }
  }

  async #takeUp(run: Run): Promise<void> {
    const provider = await this.#parts.providers.get(run.providerId);
    const [input] = run.inputs;
    if (!provider || !input) return;
    if (run.holder === rootWorkflowId(run.rootId, run.owner)) {
      // Nobody asked for it: its root makes it if it is still wanted, patterns and all, or closes it.
      await this.#parts.signals.signal(run.rootId, run.owner, { [input.blobId]: { version: input.version } });
      return;
    }
    await this.#parts.starter.start({
      key: run.key,
      workflowId: `studio-run-${run.key}`,
      rootId: run.rootId,
      owner: run.owner,
      sourceId: input.blobId,
      sourceVersion: input.version,
      providerId: run.providerId,
      providerVersion: run.providerVersion,
      derivedId: run.derivedId,
      type: provider.type,
    });
  }

  async *#changedRoots(since: Date): AsyncGenerator<Map<string, ChangedRoot>> {
    const { heads, accessLists } = this.#parts;
    const updated = (from: Date): Promise<Blob[]> => heads.updatedSince(from, RECONCILE_PAGE_HEADS);
    for await (const page of pagesSince(since, updated, (blob) => blob.updatedAt)) {
      yield rootsOf(page, (blob) => blob.updatedAt, false);
    }
    // G9: while its owner was shut out of a blob it was not planned for, and no version of it tells that this is over.
    const changed = (from: Date): Promise<ChangedAccess[]> => accessLists.changedSince(from, RECONCILE_PAGE_HEADS);
    for await (const page of pagesSince(since, changed, ({ changedAt }) => changedAt)) {
      const times = new Map(page.map(({ blobId, changedAt }) => [blobId, changedAt]));
      yield rootsOf(await heads.getMany([...times.keys()]), ({ id }) => times.get(id) ?? since, true);
    }
  }
}

/** By workflow id. */
function rootsOf(blobs: readonly Blob[], timeOf: (blob: Blob) => Date, byAccess: boolean): Map<string, ChangedRoot> {
  const roots = new Map<string, ChangedRoot>();
  for (const blob of blobs) {
    const { rootId, userId: owner } = blob;
    const id = rootWorkflowId(rootId, owner);
    const newestMs = Math.max(timeOf(blob).getTime(), roots.get(id)?.newestMs ?? 0);
    const seen = { ...roots.get(id)?.seen, [blob.id]: { version: blob.version } };
    roots.set(id, { rootId, owner, newestMs, seen, byAccess });
  }
  return roots;
}

async function* pagesSince<T>(
  since: Date,
  read: (from: Date) => Promise<T[]>,
  timeOf: (item: T) => Date,
): AsyncGenerator<T[]> {
  let from = since;
  for (;;) {
    const page = await read(from);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < RECONCILE_PAGE_HEADS) return;
    // The next page starts with the last millisecond of this one, unless one millisecond fills a page.
    from = timeOf(last) > from ? timeOf(last) : new Date(from.getTime() + 1);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
