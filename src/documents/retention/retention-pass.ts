/**
 * Applies all policies once a day, in one process at a time. It stops after RETENTION_PASS_MS_MAX, or when the process
 * does, and goes on at the next look. Where nobody has a policy it does nothing.
 */
import type { Logger } from 'pino';
import {
  PAGE_SIZE_MAX,
  RETENTION_EVERY_MS,
  RETENTION_LEASE_MS,
  RETENTION_LOOK_MS,
  RETENTION_PASS_MS_MAX,
} from '../../limits.ts';
import type { BlobHeads } from '../../storage/blobs.ts';
import type { Lease } from '../../storage/leases.ts';
import type { Mark } from '../../storage/marks.ts';
import type { RetentionPolicies, PolicyScope } from '../../storage/retention-policies.ts';
import type { Thinning } from './thinning.ts';

export class RetentionPass {
  readonly #policies: RetentionPolicies;
  readonly #heads: BlobHeads;
  readonly #thinning: Thinning;
  readonly #lease: Lease;
  readonly #mark: Mark;
  readonly #logger: Logger;
  /** Where a pass that ran out of time goes on: the scope, and the last of its blobs that it is through with. */
  #after: PolicyScope | undefined;
  #afterBlobs: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: {
    readonly policies: RetentionPolicies;
    readonly heads: BlobHeads;
    readonly thinning: Thinning;
    readonly lease: Lease;
    /** When the last whole pass began. */
    readonly mark: Mark;
    readonly logger: Logger;
  }) {
    this.#policies = options.policies;
    this.#heads = options.heads;
    this.#thinning = options.thinning;
    this.#lease = options.lease;
    this.#mark = options.mark;
    this.#logger = options.logger;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.look().finally(() => {
        this.#running = undefined;
      });
    }, RETENTION_LOOK_MS);
    this.#timer.unref();
  }

  /** One look: a pass if one is due and no other process is at it. */
  async look(): Promise<void> {
    try {
      const began = new Date();
      const last = await this.#mark.read();
      if (last && began.getTime() - last.getTime() < RETENTION_EVERY_MS) return;
      if (!(await this.#lease.hold(RETENTION_LEASE_MS))) return;
      if (await this.#pass(performance.now() + RETENTION_PASS_MS_MAX)) await this.#mark.write(began);
      await this.#lease.release();
    } catch (error) {
      this.#logger.warn({ err: error }, 'retention broken off, trying again');
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** False: it was stopped before the end. */
  async #pass(deadline: number): Promise<boolean> {
    const goOn = (): boolean => !this.#isClosed && performance.now() < deadline;
    for await (const scope of this.#policies.scopes(this.#after)) {
      if (scope.kind !== this.#after?.kind || scope.id !== this.#after.id) this.#afterBlobs = undefined;
      this.#after = scope;
      if (!(await this.#applyTo(scope, goOn))) return false;
    }
    this.#after = undefined;
    this.#afterBlobs = undefined;
    return true;
  }

  async #applyTo(scope: PolicyScope, goOn: () => boolean): Promise<boolean> {
    if (scope.kind === 'blob') return this.#applyToBlob(scope.id, scope, goOn);
    for (;;) {
      const page = await this.#heads.list({ userId: scope.id, showDeleted: true }, this.#afterBlobs, PAGE_SIZE_MAX);
      for (const { blob, orderKey } of page) {
        const hasOwn = (await this.#policies.get({ kind: 'blob', id: blob.id })) !== undefined;
        if (!hasOwn && !(await this.#applyToBlob(blob.id, scope, goOn))) return false;
        this.#afterBlobs = orderKey;
      }
      if (page.length < PAGE_SIZE_MAX) return true;
    }
  }

  async #applyToBlob(blobId: string, scope: PolicyScope, goOn: () => boolean): Promise<boolean> {
    if (!goOn() || !(await this.#lease.hold(RETENTION_LEASE_MS))) return false;
    const policy = await this.#policies.get(scope);
    try {
      const dropped = policy ? await this.#thinning.apply(blobId, policy, policy.setBy, goOn) : [];
      if (dropped.length > 0) this.#logger.info({ blobId, ranges: dropped.length }, 'old history thinned');
    } catch (error) {
      this.#logger.warn({ err: error, blobId }, 'retention of a blob failed; the others go on');
    }
    return goOn();
  }
}
