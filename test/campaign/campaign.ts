/** A crash campaign: clients of every kind write while everything they depend on is killed; then all is accounted for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../harness/eventually.ts';
import { Random } from '../harness/random.ts';
import { campaignBlobs, INITIAL, type CampaignBlob } from './blobs.ts';
import { Disturbances } from './disturbances.ts';
import { Editor } from './editor.ts';
import { EventWatch } from './event-watch.ts';
import { Ledger } from './ledger.ts';
import { Verdict } from './verdict.ts';
import { World } from './world.ts';
import { Writer } from './writer.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly kills: number;
  /** No kills after this; Infinity: as long as they take. */
  readonly loadMs: number;
  readonly studios: number;
  readonly writers: number;
  readonly onProgress?: (line: string) => void;
}

export interface CampaignReport {
  readonly kills: number;
  readonly ledger: Ledger;
  readonly seconds: number;
  /** What the studios said last. */
  readonly logs: string;
}

const EDITORS_PER_BLOB = 2;
const REPLACE_EDITOR_PAUSE_MS = 4_000;
const PROGRESS_EVERY_MS = 5_000;
const ANCHOR_MS_MAX = 30_000;

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const started = performance.now();
  const random = new Random(options.seed);
  const fork = (): Random => new Random(random.int(0, 2 ** 32));
  const ledger = new Ledger((finding) => options.onProgress?.(`✘ ${finding}`));
  const disturbances = new Disturbances({
    random: fork(),
    ledger,
    kills: options.kills,
    deadline: started + options.loadMs,
  });
  const world = await World.start(options.studios, (index, failpoint) => disturbances.onDeath(index, failpoint));
  const editors: Editor[] = [];
  let logs = '';
  try {
    const blobs = campaignBlobs();
    const watch = new EventWatch({ world, random: fork(), ledger });
    const watching = watch.run();
    await createAll(world, blobs, watch);

    const writers = Array.from(
      { length: options.writers },
      (_, index) => new Writer({ name: `w${index}`, world, blobs, ledger, random: fork() }),
    );
    const writing = Promise.all(writers.map((writer) => writer.run()));
    const typing: Promise<void>[] = [];
    const open = (blob: CampaignBlob): void => {
      const editor = new Editor({ world, place: random.int(0, world.places.length), blob, ledger, random: fork() });
      editors.push(editor);
      typing.push(editor.run());
    };
    for (const blob of blobs.filter(({ kind }) => kind === 'text' || kind === 'json')) {
      for (let index = 0; index < EDITORS_PER_BLOB; index++) open(blob);
    }

    let killing = true;
    const replacing = (async () => {
      while (killing) {
        await sleep(random.int(REPLACE_EDITOR_PAUSE_MS / 4, REPLACE_EDITOR_PAUSE_MS));
        const [editor] = editors.splice(random.int(0, editors.length), 1);
        if (!editor) continue;
        editor.cutOff();
        open(editor.blob);
      }
    })();
    const progress = setInterval(() => {
      options.onProgress?.(
        `${disturbances.kills} kills, ${ledger.acknowledged.length} acknowledged, ${ledger.findingsCount} findings`,
      );
    }, PROGRESS_EVERY_MS);
    await disturbances.run(world);
    clearInterval(progress);
    killing = false;
    await replacing;
    for (const one of [...writers, ...editors]) one.stop();
    await writing;
    await Promise.all(typing);
    const { onProgress } = options;
    onProgress?.('everything is up');
    const refused = writers.flatMap((writer) => writer.refused);
    await new Verdict({ world, blobs, ledger, editors, watch, refused, random: fork(), onProgress }).reach();
    watch.stop();
    await watching;
    if (disturbances.kills === 0) ledger.find('nothing was killed');
    if (ledger.acknowledged.length < options.kills) ledger.find(`only ${ledger.acknowledged.length} acknowledged`);
  } finally {
    logs = world.logs();
    for (const editor of editors) editor.close();
    await world.stop();
  }
  return { kills: disturbances.kills, ledger, seconds: (performance.now() - started) / 1_000, logs };
}

/** The blobs, and a watch that has seen one of them: from there on no event may be missing. */
async function createAll(world: World, blobs: readonly CampaignBlob[], watch: EventWatch): Promise<void> {
  const client = world.connect(0, 'grpc');
  for (let tries = 0; !watch.isAnchored; tries++) {
    await client.blobs.createBlob({ id: `anchor-${tries}`, contentType: 'text/plain' });
    await eventually('the watch has seen something', () => watch.isAnchored, 1_000).catch((error: unknown) => {
      if (tries * 1_000 > ANCHOR_MS_MAX) throw error;
    });
  }
  for (const { id, kind, contentType } of blobs) {
    await client.blobs.createBlob({ id, contentType, content: Buffer.from(INITIAL[kind]) });
  }
}
