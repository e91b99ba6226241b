/** Whether a commit costs more where much was written before: after a long history, and after many client ids. */
import * as Y from 'yjs';
import { OffsetEncoding, type StudioClient } from '../../clients/node/src/index.ts';
import { median, milliseconds, percentile, type Verdict } from '../report.ts';
import type { Rig } from '../rig.ts';
import { Y_WEBSOCKET } from '../wire/dialect.ts';
import { LightEditor } from '../wire/light-editor.ts';
import { feed, feedClosed } from './feed.ts';

const LENGTH_RATIO_MAX = 1.2;
const IDS_RATIO_MAX = 2;
const CLIENT_IDS = 10_000;
/** New ids in one update. */
const IDS_PER_UPDATE = 500;
/** Commits in a row on one blob, before it is the other's turn. */
const TURN = 50;
const COMMITS = 500;
/** Closed-loop commits on a blob before any is counted. */
const WARM_UP = 50;

interface Compared {
  readonly row: readonly string[];
  readonly ratio: number;
}

export async function openEditor(rig: Rig, room: string): Promise<LightEditor> {
  const base = `${rig.address.replace(/^http/, 'ws')}/sync`;
  const place = { dialect: Y_WEBSOCKET, base, room, token: await rig.token('bench'), versions: true };
  return LightEditor.openSynced(place);
}

export async function newText({ blobs }: StudioClient): Promise<string> {
  const { blob } = await blobs.createBlob({ contentType: 'text/plain' });
  if (!blob) throw new Error('CreateBlob answered without a blob.');
  return blob.id;
}

/** `first` on a blob of their own and `last` on the one that has all between, taking turns. */
export async function compareEnds(
  rig: Rig,
  long: { readonly blobId: string; readonly editor: LightEditor },
  first: readonly Uint8Array[],
  last: readonly Uint8Array[],
): Promise<{ rows: (readonly string[])[]; verdicts: Verdict[] }> {
  const client = await rig.connect('bench');
  const shortId = await newText(client);
  const editor = await openEditor(rig, shortId);
  const [short, full]: [number[], number[]] = [[], []];
  for (let at = 0; at < first.length; at += TURN) {
    short.push(...(await feedClosed(editor, first.slice(at, at + TURN))));
    full.push(...(await feedClosed(long.editor, last.slice(at, at + TURN))));
  }
  editor.close();
  const counted = (all: readonly number[]): readonly number[] => all.slice(WARM_UP);
  const bySync = compare(`sync: first ${first.length} edits, last ${last.length}`, counted(short), counted(full));
  const byCall = await compareCalls('ApplyDelta: new blob, whole trace', client, shortId, long.blobId);
  return {
    rows: [bySync.row, byCall.row],
    verdicts: [
      verdict(`last ${last.length} edits ≤ ${LENGTH_RATIO_MAX} × the first`, LENGTH_RATIO_MAX, bySync),
      verdict(`ApplyDelta after the whole trace ≤ ${LENGTH_RATIO_MAX} × on a new blob`, LENGTH_RATIO_MAX, byCall),
    ],
  };
}

/** A blob that ever so many editors have written one character of, against one that nobody has. */
export async function compareClientIds(rig: Rig): Promise<{ rows: (readonly string[])[]; verdicts: Verdict[] }> {
  const client = await rig.connect('bench');
  const [fewId, manyId] = [await newText(client), await newText(client)];
  const { updates, stateVector } = crowd();
  const [few, many] = [await openEditor(rig, fewId), await openEditor(rig, manyId)];
  await feed(many, updates, stateVector);
  const [short, full]: [number[], number[]] = [[], []];
  const doc = { few: typist(), many: typist() };
  for (let at = 0; at < COMMITS + WARM_UP; at += TURN) {
    short.push(...(await feedClosed(few, doc.few(TURN))));
    full.push(...(await feedClosed(many, doc.many(TURN))));
  }
  for (const editor of [few, many]) editor.close();
  const bySync = compare(`sync: 1 client id, ${CLIENT_IDS}`, short.slice(WARM_UP), full.slice(WARM_UP));
  const byCall = await compareCalls(`ApplyDelta: few client ids, ${CLIENT_IDS}`, client, fewId, manyId);
  return {
    rows: [bySync.row, byCall.row],
    verdicts: [
      verdict(`a blob of ${CLIENT_IDS} client ids commits (sync) within ${IDS_RATIO_MAX} ×`, IDS_RATIO_MAX, bySync),
      verdict(
        `a blob of ${CLIENT_IDS} client ids commits (ApplyDelta) within ${IDS_RATIO_MAX} ×`,
        IDS_RATIO_MAX,
        byCall,
      ),
    ],
  };
}

async function compareCalls(name: string, client: StudioClient, shortId: string, fullId: string): Promise<Compared> {
  const [short, full]: [number[], number[]] = [[], []];
  const commit = async (blobId: string, latenciesMs: number[]): Promise<void> => {
    const sent = performance.now();
    const edits = [{ offset: 0, insert: 'x' }];
    await client.deltas.applyDelta({
      blobId,
      patch: { case: 'textEdits', value: { encoding: OffsetEncoding.CODE_POINTS, edits } },
    });
    latenciesMs.push(performance.now() - sent);
  };
  for (let at = 0; at < COMMITS + WARM_UP; at += TURN) {
    for (let turn = 0; turn < TURN; turn += 1) await commit(shortId, short);
    for (let turn = 0; turn < TURN; turn += 1) await commit(fullId, full);
  }
  return compare(name, short.slice(WARM_UP), full.slice(WARM_UP));
}

function crowd(): { updates: Uint8Array[]; stateVector: Uint8Array } {
  const doc = new Y.Doc();
  const text = doc.getText('content');
  const updates: Uint8Array[] = [];
  for (let made = 0; made < CLIENT_IDS; made += IDS_PER_UPDATE) {
    const before = Y.encodeStateVector(doc);
    for (let id = 0; id < IDS_PER_UPDATE; id += 1) {
      doc.clientID = 1_000 + made + id;
      text.insert(Math.floor(Math.random() * (text.length + 1)), 'y');
    }
    updates.push(Y.encodeStateAsUpdate(doc, before));
  }
  return { updates, stateVector: Y.encodeStateVector(doc) };
}

/** Types on at the end of what it typed. */
function typist(): (keystrokes: number) => Uint8Array[] {
  const doc = new Y.Doc();
  const text = doc.getText('content');
  let made: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => made.push(update));
  return (keystrokes) => {
    made = [];
    for (let key = 0; key < keystrokes; key += 1) text.insert(text.length, 'x');
    return made;
  };
}

function compare(name: string, short: readonly number[], full: readonly number[]): Compared {
  const ratio = median(full) / median(short);
  const p99 = `p99 ${milliseconds(percentile(short, 0.99))}, ${milliseconds(percentile(full, 0.99))}`;
  return {
    ratio,
    row: [name, milliseconds(median(short)), milliseconds(median(full)), `${ratio.toFixed(2)} × (${p99})`],
  };
}

function verdict(goal: string, limit: number, { ratio }: Compared): Verdict {
  return { goal, reached: ratio <= limit, measured: `${ratio.toFixed(2)} ×` };
}
