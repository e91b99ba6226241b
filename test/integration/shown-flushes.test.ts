/** What the editors of a blob are shown of one flush that holds what several of them typed. */
import { setImmediate as turn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { LiveDocument, LiveSession } from '../../src/documents/contract.ts';
import { openLiveDocument } from '../../src/documents/rooms/live-document.ts';
import { SHOWN_APART_SENDS_MAX } from '../../src/limits.ts';
import { startCutProxy, type CutProxy } from '../harness/cut-proxy.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { insertion, openRooms, type RoomsWorld } from './rooms-world.ts';

const test = suite('shown flushes');
let parts: TestParts;
let proxy: CutProxy;
let world: RoomsWorld;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  proxy = await startCutProxy(parts.url('mongodb'));
  world = await openRooms(parts, { memoryBytesMax: 64 * 1024 * 1024, mongodbUrl: proxy.url });
  await world.createText('busy', 'a');
});
test.after(async () => {
  await world?.close();
  await proxy?.close();
  await parts?.stop();
});

interface Shown {
  readonly update: Uint8Array;
  readonly version: number;
}

class Editor implements LiveSession {
  readonly doc = new Y.Doc();
  readonly shown: Shown[] = [];
  #live: LiveDocument | undefined;
  #typed: Uint8Array = new Uint8Array();

  static async open(blobId: string): Promise<Editor> {
    const editor = new Editor();
    const live = await openLiveDocument(world.rooms, { userId: 'ada', administrator: false }, blobId, editor);
    editor.#live = live;
    Y.applyUpdate(editor.doc, live.stateAsUpdate());
    editor.doc.on('update', (update: Uint8Array) => (editor.#typed = update));
    return editor;
  }

  get text(): string {
    return this.doc.getText('content').toJSON();
  }

  get versionsShown(): number[] {
    return this.shown.map(({ version }) => version);
  }

  /** Types at the end, and hands that in. */
  type(text: string): { readonly update: Uint8Array; readonly saved: Promise<{ version: number }> } {
    this.doc.getText('content').insert(this.text.length, text);
    return { update: this.#typed, saved: this.send(this.#typed) };
  }

  send(update: Uint8Array): Promise<{ version: number }> {
    return this.#live?.push(update) ?? Promise.reject(new Error('not open'));
  }

  onUpdate(update: Uint8Array, version: number): void {
    this.shown.push({ update, version });
    Y.applyUpdate(this.doc, update, 'server');
  }

  onClose(): void {}

  close(): void {
    this.#live?.close();
  }
}

/** What is handed in by `type` is in one flush: it waits for an insert that is on its way. */
async function inOneFlush<T>(type: () => readonly { saved: Promise<T> }[]): Promise<T[]> {
  await world.rooms.with('busy', (room) => room.submit(insertion('-')));
  proxy.pause();
  const before = world.rooms.with('busy', (room) => room.submit(insertion('-')));
  await turn();
  const typed = type();
  await turn();
  proxy.resume();
  await before;
  return Promise.all(typed.map(({ saved }) => saved));
}

async function openEditors(blobId: string, count: number): Promise<Editor[]> {
  await world.createText(blobId, 'text');
  const editors: Editor[] = [];
  for (let made = 0; made < count; made += 1) editors.push(await Editor.open(blobId));
  return editors;
}

async function assertEqual(blobId: string, editors: readonly Editor[]): Promise<void> {
  const text = await world.readText(blobId);
  for (const editor of editors) assert.is(editor.text, text);
}

test('two who type at once are each shown what the other typed, byte for byte, and nothing of their own', async () => {
  const editors = await openEditors('two', 2);
  const [one, other] = editors;
  if (!one || !other) throw new Error('two editors');
  const typed: ReturnType<Editor['type']>[] = [];
  const saved = await inOneFlush(() => (typed.push(one.type('a'), other.type('b')), typed));
  assert.equal(
    saved.map(({ version }) => version),
    [2, 3],
  );
  assert.equal(one.shown, [{ update: typed[1]?.update, version: 3 }]);
  assert.equal(other.shown, [{ update: typed[0]?.update, version: 2 }]);
  await assertEqual('two', editors);
  for (const editor of editors) editor.close();
});

test('what one typed in several strokes is one update of one version', async () => {
  const editors = await openEditors('strokes', 2);
  const [one, other] = editors;
  if (!one || !other) throw new Error('two editors');
  await inOneFlush(() => [one.type('a'), one.type('b'), other.type('c')]);
  assert.equal(other.versionsShown, [3]);
  await assertEqual('strokes', editors);
  for (const editor of editors) editor.close();
});

test('where many are in the document, all that they typed is one update for each', async () => {
  const editors = await openEditors('many', SHOWN_APART_SENDS_MAX + 1);
  const typing = editors.slice(0, 2);
  await inOneFlush(() => typing.map((editor, index) => editor.type(String(index))));
  for (const editor of editors) assert.equal(editor.versionsShown, [3]);
  await assertEqual('many', editors);
  for (const editor of editors) editor.close();
});

test('who brings nothing new is shown what the others brought all the same', async () => {
  const editors = await openEditors('again', 3);
  const [one, other, idle] = editors;
  if (!one || !other || !idle) throw new Error('three editors');
  // The other has the first stroke by another way, and hands it in as well.
  await inOneFlush(() => {
    const [first, second] = [one.type('a'), one.type('b')];
    Y.applyUpdate(other.doc, first.update, 'server');
    return [first, second, { saved: other.send(first.update) }];
  });
  await assertEqual('again', editors);
  for (const editor of editors) editor.close();
});

test.run();
