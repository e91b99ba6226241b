/** What the gRPC clients of a campaign ask for: every form of change, on the head, on old versions, on chains. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions } from '@connectrpc/connect';
import { OffsetEncoding, type Delta } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import type { ApplyDeltaRequestSchema } from '../../src/gen/memmie/studio/v1/delta_service_pb.ts';
import type { Random } from '../harness/random.ts';
import type { StudioClient } from '../harness/studio-client.ts';
import type { CampaignBlob } from './blobs.ts';
import { NO_EFFECT, type AnsweredDelta, type CampaignRequest, type Effect } from './ledger.ts';

/** The state a writer makes its edits in: a version it read, and its own edits since. */
export interface View {
  readonly version: bigint;
  readonly characters: readonly string[];
  readonly previousDelta?: string;
}

type ApplyDelta = Omit<MessageInitShape<typeof ApplyDeltaRequestSchema>, '$typeName' | 'blobId' | 'requestId'>;
type Patch = NonNullable<ApplyDelta['patch']>;

interface Made {
  readonly request: CampaignRequest;
  /** The view after it, for text edits on a view. */
  readonly characters?: readonly string[];
}

const ENCODINGS = [OffsetEncoding.CODE_POINTS, OffsetEncoding.UTF16, OffsetEncoding.UTF8] as const;

export function answered(delta: Delta | undefined): AnsweredDelta[] {
  return delta ? [{ id: delta.id, version: Number(delta.toVersion), requestId: delta.requestId }] : [];
}

/** One random change of `blob`. */
export function makeRequest(blob: CampaignBlob, view: View | undefined, requestId: string, random: Random): Made {
  switch (blob.kind) {
    case 'text':
      return random.chance(0.12) ? batch(blob, requestId, random) : textEdits(blob, view, requestId, random);
    case 'passing':
      if (random.chance(0.15)) return { request: comeOrGo(blob, requestId, random.chance(0.5)) };
      return textEdits(blob, undefined, requestId, random);
    case 'json':
      return { request: setKey(blob, view, requestId, random) };
    case 'free-text':
      return { request: freeText(blob, view, requestId, random) };
    case 'free-json':
      return { request: freeJson(blob, view, requestId, random) };
    case 'binary':
      return { request: apply(blob, requestId, 'binary content', NO_EFFECT, { patch: content(random.bytes(64)) }) };
  }
}

/** Insertions anywhere and deletions of what is seen there; without a view an insertion at the beginning of the head. */
function textEdits(blob: CampaignBlob, view: View | undefined, requestId: string, random: Random): Made {
  const inserted = blob.tokens.next();
  const encoding = random.pick(ENCODINGS);
  const at = view ? random.int(0, view.characters.length + 1) : 0;
  const deleteCount = view && random.chance(0.25) ? Math.min(random.int(1, 4), view.characters.length - at) : 0;
  const deleted = view?.characters.slice(at, at + deleteCount) ?? [];
  const before = view?.characters.slice(0, at).join('') ?? '';
  const edit = {
    offset: lengthIn(before, encoding),
    deleteCount: lengthIn(deleted.join(''), encoding),
    insert: inserted,
  };
  const request = apply(
    blob,
    requestId,
    view?.previousDelta ? 'text edit on a chain' : view ? 'text edit on a version' : 'text edit on the head',
    { inserted: [inserted], deleted },
    { ...basedOn(view), patch: { case: 'textEdits', value: { encoding, edits: [edit] } } },
  );
  if (!view) return { request };
  const characters = [...view.characters];
  characters.splice(at, deleteCount, inserted);
  return { request, characters };
}

/** All or nothing: each character on its own, one after the other. */
function batch(blob: CampaignBlob, requestId: string, random: Random): Made {
  const inserted = Array.from({ length: random.int(2, 6) }, () => blob.tokens.next());
  const patches = inserted.map((insert) => ({
    patch: {
      case: 'textEdits' as const,
      value: { encoding: OffsetEncoding.UTF16, edits: [{ offset: 0, deleteCount: 0, insert }] },
    },
  }));
  return {
    request: {
      kind: 'batch',
      requestId,
      blobId: blob.id,
      effect: { inserted, deleted: [] },
      send: async (client, options) => {
        const { deltas } = await client.deltas.batchApplyDeltas({ blobId: blob.id, requestId, patches }, options);
        return deltas.flatMap(answered);
      },
    },
  };
}

function setKey(blob: CampaignBlob, view: View | undefined, requestId: string, random: Random): CampaignRequest {
  const key = blob.tokens.next();
  const value = random.pick(['one', 2, null, true, ['a', 'list'], { an: 'object' }]);
  const isPatch = random.chance(0.5);
  return apply(
    blob,
    requestId,
    isPatch ? 'JSON patch' : 'merge patch',
    // A merge patch removes what it sets to null.
    isPatch || value !== null ? { inserted: [key], deleted: [] } : NO_EFFECT,
    {
      ...basedOn(view),
      patch: isPatch
        ? { case: 'jsonPatch', value: JSON.stringify([{ op: 'add', path: `/${key}`, value }]) }
        : { case: 'mergePatch', value: JSON.stringify({ [key]: value }) },
    },
  );
}

function freeText(blob: CampaignBlob, view: View | undefined, requestId: string, random: Random): CampaignRequest {
  if (view && random.chance(0.3)) return revert(blob, view, requestId, random);
  if (view && random.chance(0.5)) {
    const lines = view.characters.join('').split('\n');
    lines.splice(random.int(0, lines.length + 1), random.int(0, 2), random.text(random.int(0, 20)));
    const patch = content(Buffer.from(lines.slice(0, 40).join('\n')));
    return apply(blob, requestId, 'whole text', NO_EFFECT, { ...basedOn(view), patch });
  }
  const value = {
    encoding: OffsetEncoding.CODE_POINTS,
    edits: [{ offset: 0, deleteCount: 0, insert: random.text(random.int(1, 8)) }],
  };
  return apply(blob, requestId, 'text edit on the head', NO_EFFECT, { patch: { case: 'textEdits', value } });
}

function freeJson(blob: CampaignBlob, view: View | undefined, requestId: string, random: Random): CampaignRequest {
  if (view && random.chance(0.2)) return revert(blob, view, requestId, random);
  if (random.chance(0.5)) {
    const list = Array.from({ length: random.int(0, 8) }, () => random.int(0, 10));
    const value = JSON.stringify({ list, note: random.text(5), [`f${random.int(0, 9)}`]: { at: random.int(0, 99) } });
    return apply(blob, requestId, 'whole JSON', NO_EFFECT, { ...basedOn(view), patch: content(Buffer.from(value)) });
  }
  // Adding to the front works whatever the list is; a key that is no list any more is set anew.
  const operations = [
    { op: 'add', path: '/list', value: [random.int(0, 9)] },
    { op: 'add', path: '/list/0', value: random.int(0, 99) },
  ];
  const value = JSON.stringify(random.chance(0.8) ? operations : operations.slice(0, 1));
  return apply(blob, requestId, 'JSON patch', NO_EFFECT, { ...basedOn(view), patch: { case: 'jsonPatch', value } });
}

function revert(blob: CampaignBlob, view: View, requestId: string, random: Random): CampaignRequest {
  const toVersion = BigInt(random.int(1, Number(view.version) + 1));
  return apply(blob, requestId, 'revert', NO_EFFECT, {
    fromVersion: view.version,
    patch: { case: 'revertToVersion', value: toVersion },
  });
}

function comeOrGo(blob: CampaignBlob, requestId: string, goes: boolean): CampaignRequest {
  const { id } = blob;
  return {
    kind: goes ? 'delete' : 'undelete',
    requestId,
    blobId: id,
    effect: NO_EFFECT,
    send: async (client, options) => {
      const call = goes ? client.blobs.deleteBlob : client.blobs.undeleteBlob;
      return answered((await call({ id, requestId }, options)).delta);
    },
  };
}

/** A new blob of one token. */
export function createRequest(id: string, requestId: string): CampaignRequest {
  return {
    kind: 'create',
    requestId,
    blobId: id,
    effect: NO_EFFECT,
    send: async (client, options) => {
      const message = { id, requestId, contentType: 'text/plain', content: Buffer.from(requestId) };
      return answered((await client.blobs.createBlob(message, options)).delta);
    },
  };
}

function apply(
  blob: CampaignBlob,
  requestId: string,
  kind: string,
  effect: Effect,
  change: ApplyDelta & { readonly patch: Patch },
): CampaignRequest {
  return {
    kind,
    requestId,
    blobId: blob.id,
    effect,
    send: async (client: StudioClient, options?: CallOptions) =>
      answered((await client.deltas.applyDelta({ ...change, blobId: blob.id, requestId }, options)).delta),
  };
}

function content(value: Uint8Array): Patch {
  return { case: 'content', value };
}

function basedOn(view: View | undefined): { fromVersion?: bigint; previousDelta?: string } {
  return view ? { fromVersion: view.version, previousDelta: view.previousDelta } : {};
}

function lengthIn(text: string, encoding: OffsetEncoding): number {
  if (encoding === OffsetEncoding.UTF8) return Buffer.byteLength(text);
  return encoding === OffsetEncoding.UTF16 ? text.length : [...text].length;
}
