/** A blob's log played again from its beginning, each delta checked against what came before it. */
import * as Y from 'yjs';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import type { Commit, Delta, Genesis } from '../../domain/delta.ts';
import { readOwnUpdate } from '../../domain/guard/update.ts';
import { AUDIT_REQUESTS_REMEMBERED_MAX } from '../../limits.ts';
import { requestKey } from '../../storage/log/commit-document.ts';
import type { StoredState } from '../log/checkpoint-codec.ts';
import { adoptClients, authorOf, factsAfter, NO_FACTS, originOf, type Facts, type Origin } from '../log/log-facts.ts';
import { applyUpdates } from '../checkpoints/state-builder.ts';
import { DeltaFields } from './delta-fields.ts';
import type { Report } from './difference.ts';

export class LogReplay {
  /** It keeps what is deleted only where that names bytes, which are to be there: all that was ever deleted may be much. */
  readonly doc = createDocument({ gc: false });
  readonly owners = new Map<number, string>();
  readonly #report: Report;
  /** Clocks after what was fed, applied or not. */
  readonly #clocks = new Map<number, number>();
  readonly #requests = new Set<string>();
  /** Of the commit being fed. */
  readonly #ownRequests = new Set<string>();
  readonly #fields = new DeltaFields();
  #pending: Uint8Array[] = [];
  #version = 0;
  #facts: Facts = NO_FACTS;
  #origin: Origin | undefined;
  #lastId = '';

  constructor(report: Report) {
    this.#report = report;
  }

  get version(): number {
    return this.#version;
  }

  get facts(): Facts {
    return this.#facts;
  }

  /** Undefined until delta 1 was fed. */
  get origin(): Origin | undefined {
    return this.#origin;
  }

  get contentType(): string {
    return this.#origin?.genesis.contentType ?? '';
  }

  /** Goes on from a stored state: what led to it was dropped. */
  jump(version: number, stored: StoredState): void {
    this.settle();
    this.#fields.jump();
    this.#adopt((this.#origin ??= stored.origin));
    Y.applyUpdateV2(this.doc, stored.update);
    this.#clocks.clear();
    for (const [client, clock] of Y.decodeStateVector(Y.encodeStateVector(this.doc))) this.#clocks.set(client, clock);
    for (const [client, owner] of stored.owners) this.owners.set(client, owner);
    this.#facts = stored.facts;
    this.#version = version;
  }

  /** The commit that follows directly. */
  begin(commit: Commit): void {
    const { id, firstSeq, lastSeq, deltas } = commit;
    if (deltas.length !== lastSeq - firstSeq + 1)
      this.#report('log', `commit ${id} says it holds deltas ${firstSeq}..${lastSeq} and holds ${deltas.length}`);
    if (firstSeq === 1) {
      try {
        const origin = originOf(commit);
        requireGenesis(origin.genesis);
        this.#adopt((this.#origin = origin));
      } catch (error) {
        // Nothing that follows could be played.
        throw new Error('delta 1 does not say what the blob is', { cause: error });
      }
    }
    const origin = this.#origin;
    if (origin && (commit.owner !== origin.owner || commit.contentType !== origin.genesis.contentType))
      this.#report('log', `commit ${id} names another owner or content type than delta 1`);
    if (origin && commit.rootId !== origin.genesis.rootId)
      this.#report('log', `commit ${id} names another root than delta 1`);
    this.#lastId = id;
    this.#fields.begin(id, firstSeq);
    this.#ownRequests.clear();
  }

  #adopt({ genesis }: Origin): void {
    const shape = shapeOf(genesis.contentType);
    rootOf(this.doc, shape);
    this.doc.gc = shape !== 'binary';
  }

  add(delta: Delta): void {
    this.#checkRequest(delta);
    for (const problem of this.#fields.problems(delta)) this.#report('log', `delta ${delta.toVersion}: ${problem}`);
    for (const update of delta.updates) {
      this.#checkClients(delta, update);
      this.#pending.push(update);
    }
    // Claimed by ids that only deleted, too.
    adoptClients(this.owners, delta);
    this.#facts = factsAfter(this.#facts, [delta]);
    this.#version = delta.toVersion;
  }

  /** Request keys as the commit has them for its index. */
  checkKeys(commit: Commit, stored: readonly string[]): void {
    const expected = commit.deltas.flatMap((delta) =>
      delta.requestId === undefined ? [] : [requestKey(commit.blobId, delta.userId, delta.requestId)],
    );
    const keys = [...new Set(expected)];
    if (keys.length !== stored.length || keys.some((key, index) => key !== stored[index]))
      this.#report('request_keys', `commit ${commit.id} is indexed by other request keys than its deltas have`);
  }

  /** Applies what was fed. Throws when the document can't take it. */
  settle(): void {
    const updates = this.#pending;
    this.#pending = [];
    if (updates.length === 0) return;
    try {
      applyUpdates(this.doc, updates);
    } catch (error) {
      throw new Error(`the deltas up to ${this.#version} can't be applied: ${String(error)}`, { cause: error });
    }
    if (this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null)
      throw new Error(`the deltas up to ${this.#version} depend on something the log lacks`);
  }

  /** Every item's author is known, and every clock was in some delta. */
  checkAttribution(): void {
    for (const client of this.doc.store.clients.keys()) {
      if (!this.owners.has(client))
        this.#report('attribution', `nobody is known to own client ${client}, which has written`);
      const clock = Y.getState(this.doc.store, client);
      if (clock !== (this.#clocks.get(client) ?? 0))
        this.#report(
          'attribution',
          `client ${client} has ${clock} clocks in the content and ${this.#clocks.get(client) ?? 0} in the log`,
        );
    }
  }

  /** G4: one request, one commit; a batch has several deltas of one request in it. */
  #checkRequest({ requestId, userId, toVersion }: Delta): void {
    if (requestId === undefined) return;
    const key = `${userId}\n${requestId}`;
    if (this.#ownRequests.has(key)) return;
    this.#ownRequests.add(key);
    if (this.#requests.has(key))
      this.#report('request_keys', `delta ${toVersion} repeats a request that was answered before`);
    if (this.#requests.size < AUDIT_REQUESTS_REMEMBERED_MAX) this.#requests.add(key);
  }

  #checkClients(delta: Delta, bytes: Uint8Array): void {
    let sections: ReturnType<typeof readOwnUpdate>['sections'];
    try {
      ({ sections } = readOwnUpdate(bytes));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#report('log', `an update of delta ${delta.toVersion} (commit ${this.#lastId}) can't be decoded: ${why}`);
      return;
    }
    const isNew = new Set(delta.newClients);
    for (const { client, clock, end } of sections) {
      const known = this.#clocks.get(client) ?? 0;
      if (clock !== known)
        this.#report(
          'attribution',
          `delta ${delta.toVersion} has clocks ${clock}..${end - 1} of client ${client}, of which ${known} were known`,
        );
      this.#clocks.set(client, Math.max(known, end));
      const owner = this.owners.get(client);
      if (owner === undefined) {
        if (!isNew.has(client))
          this.#report('attribution', `delta ${delta.toVersion} brings client ${client} and does not claim it`);
      } else if (owner !== authorOf(delta))
        this.#report('attribution', `delta ${delta.toVersion} writes as client ${client}, which is somebody else's`);
    }
  }
}

function requireGenesis({ contentType, parentIds, rootId, depth, createdBy, labels }: Genesis): void {
  const texts: unknown[] = [contentType, rootId, createdBy, ...parentIds, ...Object.values(labels)];
  if (!Array.isArray(parentIds) || texts.some((text) => typeof text !== 'string') || !Number.isInteger(depth))
    throw new Error('a field has another type');
}
