/** G7: whatever bytes come for the Yjs side, the answer is a refusal with a reason or something whole. */
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import { Guard } from '../../../src/domain/guard/guard.ts';
import { knownStateVector } from '../../../src/domain/guard/state-vector.ts';
import { readUpdate } from '../../../src/domain/guard/update.ts';
import {
  closeMessage,
  readAddress,
  readDocumentMessage,
  statelessMessage,
} from '../../../src/transport/hocuspocus/messages.ts';
import {
  readAwarenessUpdate,
  requireJson,
  writeAwarenessUpdate,
} from '../../../src/transport/sync/awareness-update.ts';
import {
  awarenessMessage,
  NO_ADDRESS,
  readMessage,
  step1Message,
  step2Message,
  updateMessage,
} from '../../../src/transport/sync/messages.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { Editor, FUZZED_TYPES } from '../guard/editors.ts';
import { fuzz } from './mutation.ts';

const test = suite('fuzz: Yjs decoders', { timeoutMs: 60_000 });

function updatesOf(type: (typeof FUZZED_TYPES)[number], random: Random): Uint8Array[] {
  const editor = new Editor(random.int(1, 2 ** 32));
  for (let step = 0; step < 30; step++) editor.edit(type.shape, random);
  return [...editor.outbox, Y.encodeStateAsUpdate(editor.doc)];
}

for (const type of FUZZED_TYPES) {
  test(
    `reading updates of ${type.shape}`,
    seeded((random) => {
      const { refused } = fuzz((bytes) => void readUpdate(bytes), updatesOf(type, random), random);
      assert.ok(refused > 500, `${refused} refused`);
    }),
  );

  test(
    `what the guard lets into a ${type.shape} document integrates whole`,
    seeded((random) => {
      const samples = updatesOf(type, random);
      const whole = samples.at(-1) ?? new Uint8Array();
      const rounds = (bytes: Uint8Array): void => {
        const doc = createDocument({ gc: true });
        rootOf(doc, type.shape);
        if (random.chance(0.5)) Y.applyUpdate(doc, whole);
        const guard = new Guard({ doc, shape: type.shape, owners: new Map() });
        const checked = guard.check(bytes, 'someone');
        guard.accept(checked);
        Y.applyUpdate(doc, checked.update);
        guard.settle();
        assert.is(doc.store.pendingStructs, null);
        assert.is(doc.store.pendingDs, null);
      };
      const { refused } = fuzz(rounds, [whole], random, 1_500);
      assert.ok(refused > 200, `${refused} refused`);
    }),
  );
}

test(
  'state vectors',
  seeded((random) => {
    const doc = createDocument({ gc: true });
    for (const update of updatesOf({ shape: 'text', contentType: 'text/plain' }, random)) Y.applyUpdate(doc, update);
    const sample = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, 30);
      for (let index = 0; index < 30; index++)
        for (const number of [random.int(0, 2 ** 32), random.int(0, 1000)]) encoding.writeVarUint(encoder, number);
    });
    const decode = (bytes: Uint8Array): void => {
      Y.encodeStateAsUpdate(doc, knownStateVector(bytes, doc));
    };
    assert.ok(fuzz(decode, [sample, Y.encodeStateVector(doc), Uint8Array.of(0)], random).refused > 500);
  }),
);

test(
  'awareness updates',
  seeded((random) => {
    const sample = writeAwarenessUpdate(
      [1, 2, 3].map((clientId) => ({
        clientId,
        clock: random.int(0, 1000),
        state: JSON.stringify({ user: { name: random.text(8), color: '#f00' }, cursor: [1, { at: 2 }] }),
      })),
    );
    assert.ok(
      fuzz((bytes) => readAwarenessUpdate(bytes).forEach(requireJson), [sample, Uint8Array.of(0)], random).refused >
        500,
    );
  }),
);

test(
  "y-websocket's messages",
  seeded((random) => {
    const [update = new Uint8Array()] = updatesOf({ shape: 'text', contentType: 'text/plain' }, random);
    const samples = [
      step1Message(NO_ADDRESS, Uint8Array.of(1, 2, 3)).toBytes(),
      step2Message(NO_ADDRESS, update).toBytes(),
      updateMessage(NO_ADDRESS, update).toBytes(),
      awarenessMessage(NO_ADDRESS, Uint8Array.of(0)).toBytes(),
      Uint8Array.of(3),
      Uint8Array.of(2, 0, 1, 65),
    ];
    assert.ok(fuzz((bytes) => void readMessage(bytes), samples, random, 20_000).refused > 500);
  }),
);

test(
  "Hocuspocus's messages",
  seeded((random) => {
    const [update = new Uint8Array()] = updatesOf({ shape: 'text', contentType: 'text/plain' }, random);
    const address = encoding.encode((encoder) => encoding.writeVarString(encoder, 'document\0session'));
    const samples = [
      step1Message(address, Uint8Array.of(1, 2, 3)).toBytes(),
      updateMessage(address, update).toBytes(),
      awarenessMessage(address, Uint8Array.of(0)).toBytes(),
      statelessMessage(address, Buffer.from('{"any":"payload"}')).toBytes(),
      closeMessage(address, 'reason').toBytes(),
    ];
    const decode = (bytes: Uint8Array): void => {
      readDocumentMessage(bytes, readAddress(bytes).bytes.byteLength);
    };
    assert.ok(fuzz(decode, samples, random, 20_000).refused > 500);
  }),
);

test.run();
