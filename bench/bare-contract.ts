/**
 * What ApplyDeltas asks of any server beside storing: that the request is read, its edit made in a document, and the
 * answer written. Nothing is checked, and what is answered is always the same, made once.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import * as Y from 'yjs';
import { DeltaStatus, OffsetEncoding, PatchKind } from '../src/gen/memmie/studio/v1/delta_pb.ts';
import { ApplyDeltasRequestSchema, ApplyDeltasResponseSchema } from '../src/gen/memmie/studio/v1/delta_service_pb.ts';
import { Operation } from '../src/gen/memmie/studio/v1/operation_pb.ts';

const BLOB_ID = 'b'.repeat(26);
const DELTA_ID = `${'c'.repeat(16)}-0000000001-0`;
const [REFERENCE, VERSION, BYTES] = [1_000n, 1_000n, 22n];

/** A keystroke. */
export const CONTRACT_REQUEST: Uint8Array = toBinary(
  ApplyDeltasRequestSchema,
  create(ApplyDeltasRequestSchema, {
    reference: REFERENCE,
    delta: {
      blobId: BLOB_ID,
      patch: {
        case: 'textEdits',
        value: { encoding: OffsetEncoding.CODE_POINTS, edits: [{ offset: 0, insert: 'x' }] },
      },
    },
  }),
);

/** As the studio answers it. */
const ANSWER = create(ApplyDeltasResponseSchema, {
  reference: REFERENCE,
  outcome: {
    case: 'applied',
    value: {
      delta: {
        id: DELTA_ID,
        blobId: BLOB_ID,
        userId: 'bench',
        operation: Operation.UPDATE,
        patch: { kind: PatchKind.TEXT_EDITS, size: 80n },
        updateSize: BYTES,
        fromVersion: VERSION,
        toVersion: VERSION + 1n,
        base: { fromVersion: VERSION },
        status: DeltaStatus.APPLIED,
        chainLength: 1n,
        appliedAt: timestampNow(),
        createdAt: timestampNow(),
      },
      blob: {
        id: BLOB_ID,
        userId: 'bench',
        contentType: 'text/plain',
        size: VERSION,
        version: VERSION + 1n,
        rootId: BLOB_ID,
        createdBy: 'bench',
        etag: DELTA_ID,
        createdAt: timestampNow(),
        updatedAt: timestampNow(),
        contentVersion: VERSION + 1n,
      },
    },
  },
});

export class BareContract {
  readonly #text = new Y.Doc().getText('content');
  #update: Uint8Array = new Uint8Array();

  constructor() {
    this.#text.doc?.on('update', (update: Uint8Array) => (this.#update = update));
  }

  /** The edit as a Yjs update. */
  apply(request: Uint8Array): Uint8Array {
    const { delta } = fromBinary(ApplyDeltasRequestSchema, request);
    if (delta?.patch.case !== 'textEdits') throw new Error('That is no keystroke.');
    for (const { insert } of delta.patch.value.edits) this.#text.insert(this.#text.length, insert);
    return this.#update;
  }

  answer(): Buffer {
    return Buffer.from(toBinary(ApplyDeltasResponseSchema, ANSWER));
  }
}
