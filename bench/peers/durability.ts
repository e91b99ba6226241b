/** `kill -9` at the moment an edit is acknowledged: is it there afterwards? */
import { setTimeout as sleep } from 'node:timers/promises';
import * as Y from 'yjs';
import { print, printTable, type Verdict } from '../report.ts';
import { startRig, type Rig } from '../rig.ts';
import type { BenchOptions } from '../run.ts';
import { LightEditor } from '../wire/light-editor.ts';
import { startContestant, type ContestantName } from './contestants.ts';
import { installPeers } from './installation.ts';

const TRIALS = 20;
/** Typed and left alone for so long before the edit that counts: a store that waits for a pause has had one. */
const PAUSE_MS = 300;
const ACKNOWLEDGED_MS_MAX = 30_000;

type Sign = 'saved' | 'shown';

/** What each server tells: that the edit is saved, or, where it never says so, that others are shown it. */
const CONTESTANTS: readonly { readonly name: ContestantName; readonly sign: Sign }[] = [
  { name: 'studio /sync', sign: 'saved' },
  { name: 'studio /hocuspocus', sign: 'saved' },
  { name: 'Hocuspocus', sign: 'saved' },
  { name: 'y-websocket', sign: 'shown' },
  { name: 'y-mongodb-provider', sign: 'shown' },
];
const SIGNS: Readonly<Record<Sign, string>> = { saved: 'says that it is saved', shown: 'shows it to others' };

export async function benchDurability(options: BenchOptions): Promise<Verdict[]> {
  const trials = Math.max(2, Math.round(TRIALS * Math.min(1, options.scale)));
  print(
    `\nPeers, durability: kill -9 of the server (the studio's database with it) at the acknowledgement, ${trials} times`,
  );
  await installPeers();
  const rig = await startRig({ worker: false });
  try {
    const rows: string[][] = [];
    const verdicts: Verdict[] = [];
    for (const { name, sign } of CONTESTANTS) {
      const lost = await trial(name, sign, rig, trials);
      rows.push([name, SIGNS[sign], `${lost} of ${trials}`]);
      if (!name.startsWith('studio')) continue;
      verdicts.push({ goal: `durability, ${name}: no edit lost`, reached: lost === 0, measured: `${lost} lost` });
    }
    printTable([['', 'killed when it', 'edits lost'], ...rows]);
    return verdicts;
  } finally {
    await rig.stop();
  }
}

async function trial(name: ContestantName, sign: Sign, rig: Rig, trials: number): Promise<number> {
  const contestant = await startContestant(name, rig);
  let lost = 0;
  try {
    for (let made = 0; made < trials; made += 1) {
      const place = { ...(await contestant.newPlace()), versions: name === 'studio /sync' };
      const [author, reader] = [await LightEditor.openSynced(place), await LightEditor.openSynced(place)];
      author.type();
      await sleep(PAUSE_MS);
      const acknowledged = acknowledgement(author, reader, sign);
      author.type();
      const typed = author.typed;
      await acknowledged;
      await contestant.crash();
      const { clientId } = author;
      for (const editor of [author, reader]) editor.close();
      // The first connection may come before the document is loaded: some servers answer it all the same.
      const witness = await LightEditor.openSynced(place);
      await sleep(PAUSE_MS);
      const kept = Y.decodeStateVector(Y.encodeStateVectorFromUpdate(await witness.state()));
      witness.close();
      if ((kept.get(clientId) ?? 0) < typed) lost += 1;
    }
    return lost;
  } finally {
    await contestant.stop();
  }
}

/** The second keystroke's. */
function acknowledgement(author: LightEditor, reader: LightEditor, sign: Sign): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('An edit was not acknowledged.')), ACKNOWLEDGED_MS_MAX);
    const done = (): void => {
      clearTimeout(late);
      resolve();
    };
    if (sign === 'saved') author.onSaved = done;
    else {
      reader.onKeystrokes = (clientId, _from, to) => {
        if (clientId === author.clientId && to === author.typed) done();
      };
    }
  });
}
