/** Who wants how much history kept: one policy a user, one a blob. */
import type { Collection, Db } from 'mongodb';
import type { RetentionPolicy } from '../domain/retention.ts';

export type PolicyScope = { readonly kind: 'user' | 'blob'; readonly id: string };

interface PolicyDocument {
  _id: string;
  kind: 'user' | 'blob';
  id: string;
  thin_after_ms: number;
  keep_daily: boolean;
  set_by: string;
  set_at: Date;
}

export class RetentionPolicies {
  readonly #policies: Collection<PolicyDocument>;

  constructor(db: Db) {
    this.#policies = db.collection('retention_policies');
  }

  async get(scope: PolicyScope): Promise<RetentionPolicy | undefined> {
    const found = await this.#policies.findOne({ _id: keyOf(scope) });
    return found ? fromDocument(found) : undefined;
  }

  async put(scope: PolicyScope, policy: RetentionPolicy): Promise<void> {
    const { thinAfterMs, keepDaily, setBy, setAt } = policy;
    await this.#policies.replaceOne(
      { _id: keyOf(scope) },
      { ...scope, thin_after_ms: thinAfterMs, keep_daily: keepDaily, set_by: setBy, set_at: setAt },
      { upsert: true },
    );
  }

  async remove(scope: PolicyScope): Promise<void> {
    await this.#policies.deleteOne({ _id: keyOf(scope) });
  }

  /** Whose policies there are, in the database's order, `from` included. */
  async *scopes(from?: PolicyScope): AsyncGenerator<PolicyScope> {
    const filter = from ? { _id: { $gte: keyOf(from) } } : {};
    const cursor = this.#policies.find(filter, { projection: { kind: 1, id: 1 } }).sort({ _id: 1 });
    for await (const { kind, id } of cursor) yield { kind, id };
  }
}

function keyOf({ kind, id }: PolicyScope): string {
  return `${kind}:${id}`;
}

function fromDocument(document: PolicyDocument): RetentionPolicy {
  return {
    thinAfterMs: document.thin_after_ms,
    keepDaily: document.keep_daily,
    setBy: document.set_by,
    setAt: document.set_at,
  };
}
