/** Retention as its callers see it: whose policy holds for a blob, what it would drop, and dropping it. */
import type { Caller } from '../../domain/access/caller.ts';
import type { RetentionPolicy, RetentionRule } from '../../domain/retention.ts';
import type { PolicyScope, RetentionPolicies } from '../../storage/retention-policies.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { Retention, RetentionReport } from '../contract.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Thinning } from './thinning.ts';

export class BlobRetention implements Retention {
  readonly #rooms: Rooms;
  readonly #policies: RetentionPolicies;
  readonly #tombstones: Tombstones;
  readonly #thinning: Thinning;

  constructor(options: {
    readonly rooms: Rooms;
    readonly policies: RetentionPolicies;
    readonly tombstones: Tombstones;
    readonly thinning: Thinning;
  }) {
    this.#rooms = options.rooms;
    this.#policies = options.policies;
    this.#tombstones = options.tombstones;
    this.#thinning = options.thinning;
  }

  async getPolicy(caller: Caller, blobId?: string): Promise<{ policy?: RetentionPolicy; effective?: RetentionPolicy }> {
    if (blobId === undefined) {
      const policy = await this.#ofUser(caller.userId);
      return { policy, effective: policy };
    }
    const owner = await this.#ownerOf(caller, blobId, 'read');
    const policy = await this.#policies.get({ kind: 'blob', id: blobId });
    return { policy, effective: policy ?? (await this.#ofUser(owner)) };
  }

  async setPolicy(
    caller: Caller,
    blobId: string | undefined,
    rule: RetentionRule | undefined,
  ): Promise<RetentionPolicy | undefined> {
    if (blobId !== undefined) await this.#ownerOf(caller, blobId, 'delete');
    const scope: PolicyScope =
      blobId === undefined ? { kind: 'user', id: caller.userId } : { kind: 'blob', id: blobId };
    if (!rule) {
      await this.#policies.remove(scope);
      return undefined;
    }
    const policy = { ...rule, setBy: caller.userId, setAt: new Date() };
    await this.#policies.put(scope, policy);
    return policy;
  }

  async preview(caller: Caller, blobId: string, rule?: RetentionRule): ReturnType<Retention['preview']> {
    const owner = await this.#ownerOf(caller, blobId, 'read');
    const applied = rule ?? (await this.#effective(blobId, owner));
    return {
      blobId,
      ranges: applied ? await this.#thinning.plan(blobId, applied) : [],
      alreadyDropped: await this.#tombstones.list(blobId),
    };
  }

  async apply(caller: Caller, blobId: string): Promise<RetentionReport> {
    const owner = await this.#ownerOf(caller, blobId, 'delete');
    const policy = await this.#effective(blobId, owner);
    return { blobId, ranges: policy ? await this.#thinning.apply(blobId, policy, caller.userId) : [] };
  }

  async #effective(blobId: string, owner: string): Promise<RetentionPolicy | undefined> {
    return (await this.#policies.get({ kind: 'blob', id: blobId })) ?? (await this.#ofUser(owner));
  }

  #ofUser(userId: string): Promise<RetentionPolicy | undefined> {
    return this.#policies.get({ kind: 'user', id: userId });
  }

  async #ownerOf(caller: Caller, blobId: string, action: 'read' | 'delete'): Promise<string> {
    return this.#rooms.withFor(caller, blobId, async (room) => {
      await room.refresh();
      await room.authorize(caller, action);
      return room.state.owner;
    });
  }
}
