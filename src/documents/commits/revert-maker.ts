/**
 * Makes reverts: always as new edits, with what was deleted inserted anew. To a version: the difference between it and
 * the base is undone. Of single deltas: their effects are followed through the log up to the head, since others have
 * built on them. Whatever is undone already, seen from the head, is left alone, so that reverting twice is nothing.
 */
import { setImmediate } from 'node:timers/promises';
import * as Y from 'yjs';
import { versionNotFound } from '../../domain/access/access.ts';
import { baseIncludes, headBase, lastSeqOf } from '../../domain/base.ts';
import { contentSize, readCanonical } from '../../domain/content/canonical.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { contentTooLarge } from '../../domain/content/size.ts';
import { updateBytes, type Base, type Delta, type RevertTarget, type StoredPatch } from '../../domain/delta.ts';
import { type Copy, encodeCopies } from '../../domain/revert/copies.ts';
import { effectsBetween, type Effects } from '../../domain/revert/effects.ts';
import { Ledger, revertBody } from '../../domain/revert/ledger.ts';
import { selectEffects } from '../../domain/revert/selection.ts';
import { undo } from '../../domain/revert/undo.ts';
import { StudioError } from '../../errors.ts';
import {
  LOG_PAGE_COMMITS,
  REVERT_DELTAS_MAX,
  REVERT_SCANNED_BYTES_MAX,
  REVERT_SCANNED_DELTAS_MAX,
} from '../../limits.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Author, Authoring } from './authoring.ts';
import type { Batch } from './batch.ts';
import type { History } from '../history/history.ts';
import type { Authored } from './intent.ts';
import type { RoomState } from '../memory/room-state.ts';

export interface RevertRequest {
  readonly target: RevertTarget;
  readonly base: Base;
  /** The caller said what it saw; otherwise the base is the head, the flush included. */
  readonly isNamed: boolean;
  readonly author: Author;
  readonly batch: Batch;
  /** A document at the base, where the caller has one that must not be changed. */
  readonly stage?: Y.Doc;
}

export interface MadeRevert {
  /** Absent where nothing is to be seen of it, as of an insertion that somebody has deleted: it counts as undone all the same. */
  readonly authored: Authored | undefined;
  readonly delta: Pick<Delta, 'base' | 'patch' | 'reverts' | 'copies'>;
}

export class RevertMaker {
  readonly #state: RoomState;
  readonly #authoring: Authoring;
  readonly #history: History;
  readonly #log: CommitLog;

  constructor(options: {
    readonly state: RoomState;
    readonly authoring: Authoring;
    readonly history: History;
    readonly log: CommitLog;
  }) {
    this.#state = options.state;
    this.#authoring = options.authoring;
    this.#history = options.history;
    this.#log = options.log;
  }

  /** Undefined: there is nothing to undo (any more). */
  async make(request: RevertRequest): Promise<MadeRevert | undefined> {
    const { target } = request;
    return target.kind === 'version'
      ? this.#toVersion(request, target.version)
      : this.#ofDeltas(request, await this.#selected(target, request));
  }

  async #toVersion(request: RevertRequest, version: number): Promise<MadeRevert | undefined> {
    const { base, batch } = request;
    this.#requireVersion(version, request);
    const isTarget = ({ toVersion }: Delta): boolean => toVersion > version && baseIncludes(base, toVersion);
    // Only what the caller has not seen can have undone some of it at the same time.
    const unseen = request.isNamed ? await this.#deltas(base.fromVersion + 1, batch) : [];
    const outside = new Ledger(unseen.filter((delta) => !baseIncludes(base, delta.toVersion)));
    const patch = revertPatch(request, version + 1);
    if (outside.lowest <= lastSeqOf(base)) {
      const found = await this.#effects(version + 1, isTarget, batch);
      found?.doc.destroy();
      if (!found) return undefined;
      const doc = await this.#baseDocument(request, found.before);
      return this.#author(request, { doc, effects: found.effects, patch, reverts: undefined });
    }
    const past = await this.#history.materialize(this.#state.blobId, headBase(version));
    const doc = await this.#baseDocument(request, version);
    try {
      const { contentType } = this.#state.genesis;
      rootOf(past, shapeOf(contentType));
      if (Buffer.compare(readCanonical(past, contentType), readCanonical(doc, contentType)) === 0) {
        doc.destroy();
        return undefined;
      }
      return this.#author(request, { doc, effects: effectsBetween(past, doc), patch, reverts: undefined });
    } finally {
      past.destroy();
    }
  }

  #requireVersion(version: number, { base }: RevertRequest): void {
    const { blobId, version: head } = this.#state;
    if (version < 1 || version > head) throw versionNotFound(blobId, version, head);
    if (version <= base.fromVersion) return;
    throw new StudioError('FIELD_INVALID', 'A revert goes back to a version that from_version includes.', {
      field: 'to_version',
      rule: 'uint64.lte',
    });
  }

  async #ofDeltas(request: RevertRequest, selected: readonly Delta[]): Promise<MadeRevert | undefined> {
    const first = selected[0];
    if (!first) return undefined;
    const chosen = new Set(selected.map(({ id }) => id));
    const found = await this.#effects(first.toVersion, ({ id }) => chosen.has(id), request.batch);
    if (!found) return undefined;
    if (found.targets.length > REVERT_DELTAS_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', `A revert undoes at most ${REVERT_DELTAS_MAX} deltas one by one.`, {
        limit: 'REVERT_DELTAS_MAX',
      });
    }
    return this.#author(request, {
      doc: found.doc,
      effects: found.effects,
      patch: revertPatch(request, found.targets[0]?.toVersion ?? first.toVersion),
      reverts: found.targets.map(({ id }) => id),
    });
  }

  /** In order of seq. */
  async #selected(
    target: Exclude<RevertTarget, { kind: 'version' }>,
    { base, batch }: RevertRequest,
  ): Promise<readonly Delta[]> {
    if (target.kind === 'deltas') {
      const deltas = await Promise.all(target.ids.map((id) => this.#byId(id)));
      return deltas.filter(({ updates }) => updates.length > 0).sort((a, b) => a.toVersion - b.toVersion);
    }
    const first = target.first ?? 1;
    const { blobId, version: head } = this.#state;
    if (first > head) throw versionNotFound(blobId, first, head);
    const last = Math.min(target.last ?? Infinity, base.fromVersion);
    const isTheirs = (delta: Delta): boolean =>
      delta.userId === target.userId &&
      delta.providerId === undefined &&
      delta.toVersion <= last &&
      delta.updates.length > 0;
    return (await this.#deltas(first, batch)).filter(isTheirs);
  }

  async #byId(id: string): Promise<Delta> {
    const found = this.#state.recentById(id) ?? (await this.#log.delta(id))?.delta;
    if (found && found.blobId === this.#state.blobId && found.toVersion <= this.#state.version) return found;
    throw new StudioError('DELTA_NOT_FOUND', `Blob "${this.#state.blobId}" has no delta "${id}".`, { delta_id: id });
  }

  /**
   * What is to be undone, on a document at the head, and the version before all that was looked at. Undefined:
   * everything chosen is undone already.
   */
  async #effects(
    from: number,
    isTarget: (delta: Delta) => boolean,
    batch: Batch,
  ): Promise<{ effects: Effects; doc: Y.Doc; targets: readonly Delta[]; before: number } | undefined> {
    let deltas = await this.#deltas(from, batch);
    let ledger = new Ledger(deltas);
    // What reverts in there undid may lie further back, and then counts as not there.
    for (let lowest = from; ledger.lowest < lowest;) {
      lowest = ledger.lowest;
      deltas = await this.#deltas(lowest, batch);
      ledger = new Ledger(deltas);
    }
    const targets = deltas.filter((delta) => isTarget(delta) && !ledger.undone.has(delta.toVersion));
    if (targets.length === 0) return undefined;
    const before = (deltas[0]?.toVersion ?? 1) - 1;
    const doc =
      before === 0
        ? createDocument({ gc: false })
        : await this.#history.materialize(this.#state.blobId, headBase(before), before);
    rootOf(doc, shapeOf(this.#state.genesis.contentType));
    const effects = await selectEffects({ deltas, ledger, targets, doc, breathe: setImmediate });
    return { effects, doc, targets, before };
  }

  /** From a version up to the head, what is accepted in the flush included. G7: bounded in number and bytes. */
  async #deltas(from: number, batch: Batch): Promise<readonly Delta[]> {
    const { version, blobId } = this.#state;
    const tooMany = (limit: string): StudioError =>
      new StudioError('LIMIT_EXCEEDED', 'There is more history to look through than one revert may.', { limit });
    if (version - from >= REVERT_SCANNED_DELTAS_MAX) throw tooMany('REVERT_SCANNED_DELTAS_MAX');
    const deltas: Delta[] = [];
    let bytes = 0;
    for (let first = from; first <= version; first += LOG_PAGE_COMMITS) {
      const last = Math.min(version, first + LOG_PAGE_COMMITS - 1);
      const recent = this.#state.recent(first, last);
      for await (const page of recent ? [recent] : this.#history.deltas.everyPage(blobId, first, last)) {
        for (const delta of page) {
          deltas.push(delta);
          bytes += updateBytes(delta);
        }
        if (bytes > REVERT_SCANNED_BYTES_MAX) throw tooMany('REVERT_SCANNED_BYTES_MAX');
      }
    }
    return [...deltas, ...batch.deltas];
  }

  /** A document at the base, of our own, with what was deleted after version `keptFrom`. */
  async #baseDocument({ base, isNamed, batch, stage }: RevertRequest, keptFrom: number): Promise<Y.Doc> {
    if (stage) {
      const copy = createDocument({ gc: false });
      Y.applyUpdate(copy, Y.encodeStateAsUpdate(stage));
      rootOf(copy, shapeOf(this.#state.genesis.contentType));
      return copy;
    }
    if (isNamed) return this.#authoring.baseDocument(base, keptFrom);
    const doc = await this.#authoring.baseDocument(headBase(this.#state.version), keptFrom);
    for (const { updates } of batch.deltas) for (const update of updates) Y.applyUpdate(doc, update);
    return doc;
  }

  #author(
    request: RevertRequest,
    made: { readonly doc: Y.Doc; readonly effects: Effects } & Pick<Delta, 'patch' | 'reverts'>,
  ): MadeRevert {
    const { doc, effects } = made;
    const { contentType } = this.#state.genesis;
    const before = contentSize(doc, contentType);
    const isHead = !request.isNamed || request.target.kind !== 'version';
    const isKeyTaken = isHead ? undefined : keyTaken(doc, this.#authoring.headDocument);
    // Single deltas are undone as the head has them, whatever the caller had seen of it.
    const base = request.target.kind === 'version' ? request.base : headBase(request.batch.headVersion);
    try {
      let copies: readonly Copy[] = [];
      const edit = (on: Y.Doc): void => void (copies = undo(on, effects, { isKeyTaken }));
      const authored = this.#authoring.onDocument(doc, edit, request.author, base);
      const grown = contentSize(doc, contentType) - before;
      if (grown > 0 && !this.#state.hasRoomFor(grown)) {
        throw contentTooLarge();
      }
      const { patch, reverts } = made;
      return {
        authored,
        delta: { base, patch, reverts, copies: copies.length > 0 ? encodeCopies(copies) : undefined },
      };
    } finally {
      doc.destroy();
    }
  }
}

function revertPatch({ target, base }: Pick<RevertRequest, 'target' | 'base'>, lowest: number): StoredPatch {
  const body = revertBody(target, base, lowest);
  return { kind: 'revert', bytes: body.byteLength, body };
}

/** Of a revert that has nothing to undo: it says what was asked, and undoes no delta. `version`: the one it makes. */
export function idleRevert(target: RevertTarget, version: number): StoredPatch {
  return revertPatch({ target, base: headBase(target.kind === 'version' ? target.version : 0) }, version);
}

/** Whether the head has another value for the item's key than the base, or has none where the base has one. */
function keyTaken(base: Y.Doc, head: Y.Doc): (item: Y.Item) => boolean {
  return ({ id, parentSub }) => {
    const found = Y.getState(head.store, id.client) > id.clock ? Y.getItem(head.store, id) : undefined;
    if (!(found instanceof Y.Item) || parentSub === null) return false;
    const last = (found.parent as Y.AbstractType<unknown>)._map.get(parentSub);
    if (!last) return false;
    if (last.id.clock >= Y.getState(base.store, last.id.client)) return true;
    const inBase = Y.getItem(base.store, last.id);
    return last.deleted && !inBase.deleted;
  };
}
