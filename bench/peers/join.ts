/** A large document that everybody opens at once. */
import * as Y from 'yjs';
import { cpuSeconds, requireLinux, residentBytes } from '../processes.ts';
import { median, milliseconds, print, printTable, type Verdict } from '../report.ts';
import { startRig, type Rig } from '../rig.ts';
import type { BenchOptions } from '../run.ts';
import { LightEditor } from '../wire/light-editor.ts';
import { startContestant, type ContestantName } from './contestants.ts';
import { installPeers } from './installation.ts';

const CONTESTANTS: readonly ContestantName[] = ['studio /sync', 'studio /hocuspocus', 'Hocuspocus'];
const CLIENTS = 1_000;
const DOCUMENT_BYTES = 4 * 1024 * 1024;
/** Typed at once somewhere in it: it has as many structs as people's typing leaves. */
const PIECE_CHARACTERS = 60;
const SHARE_MAX = 1 / 3;

interface Joined {
  readonly name: ContestantName;
  readonly latenciesMs: readonly number[];
  readonly cpuSeconds: number;
  readonly grownBytes: number;
}

export async function benchJoin(options: BenchOptions): Promise<Verdict[]> {
  requireLinux();
  const clients = Math.max(20, Math.round(CLIENTS * Math.min(1, options.scale)));
  const document = largeDocument();
  const size = (document.byteLength / 2 ** 20).toFixed(1);
  print(`\nPeers, join: ${clients} clients open one document of ${size} MiB at once`);
  await installPeers();
  const rig = await startRig({ worker: false });
  try {
    const all: Joined[] = [];
    for (const name of CONTESTANTS) {
      if (name.startsWith('studio')) await rig.restart();
      all.push(await join(name, rig, document, clients));
    }
    printTable([
      ['', 'median', 'first', 'last', "server's CPU", "server's memory grew"],
      ...all.map((one) => [
        one.name,
        milliseconds(median(one.latenciesMs)),
        milliseconds(Math.min(...one.latenciesMs)),
        milliseconds(Math.max(...one.latenciesMs)),
        `${one.cpuSeconds.toFixed(1)} s`,
        `${(one.grownBytes / 2 ** 20).toFixed(0)} MiB`,
      ]),
    ]);
    const theirs = median(all.find(({ name }) => name === 'Hocuspocus')?.latenciesMs ?? []);
    return all
      .filter(({ name }) => name.startsWith('studio'))
      .map(({ name, latenciesMs }) => {
        const share = median(latenciesMs) / theirs;
        const measured = `${share.toFixed(2)} ×`;
        return { goal: `join, ${name}: median ≤ a third of Hocuspocus's`, reached: share <= SHARE_MAX, measured };
      });
  } finally {
    await rig.stop();
  }
}

async function join(name: ContestantName, rig: Rig, document: Uint8Array, clients: number): Promise<Joined> {
  const contestant = await startContestant(name, rig);
  const editors: LightEditor[] = [];
  try {
    const place = await contestant.newPlace();
    const author = await LightEditor.openSynced(place);
    editors.push(author);
    author.send(document);
    // Its answer comes behind the document: by then the server has it, the studio durably.
    const held = await author.state();
    if (held.byteLength < document.byteLength * 0.9) throw new Error(`${name} did not take the document.`);
    const before = { cpu: cpuSeconds(contestant.pid), resident: residentBytes(contestant.pid) };
    const latenciesMs = await Promise.all(
      Array.from({ length: clients }, async () => {
        const started = performance.now();
        const editor = await LightEditor.open(place);
        editors.push(editor);
        const { byteLength } = await editor.state();
        if (byteLength !== held.byteLength) throw new Error(`${name} sent ${byteLength} bytes.`);
        return performance.now() - started;
      }),
    );
    return {
      name,
      latenciesMs,
      cpuSeconds: cpuSeconds(contestant.pid) - before.cpu,
      grownBytes: residentBytes(contestant.pid) - before.resident,
    };
  } finally {
    for (const editor of editors) editor.close();
    await contestant.stop();
  }
}

function largeDocument(): Uint8Array {
  const doc = new Y.Doc();
  const text = doc.getText('content');
  let bytes = 0;
  while (bytes < DOCUMENT_BYTES) {
    const piece = Math.random().toString(36).padEnd(PIECE_CHARACTERS, ' and so on');
    text.insert(Math.floor(Math.random() * (text.length + 1)), piece);
    // About what a piece takes: itself, and where it goes.
    bytes += PIECE_CHARACTERS + 16;
  }
  const update = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return update;
}
