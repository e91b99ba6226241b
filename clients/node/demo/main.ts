/** `npm run demo`: two people's real, concurrent typing, one in an editor and one through gRPC, merged by the studio. */
import { createStudioClient, EventType, StudioCallError, type Blob, type StudioClient } from '../src/index.ts';
import { readThroughDoors } from './doors.ts';
import { EditorTypist } from './editor-typist.ts';
import { EventWatch } from './event-watch.ts';
import { count, ProgressBar, say } from './progress.ts';
import { readDerived, registerProviders } from './providers.ts';
import { countOffHead, replay } from './replay.ts';
import { compare, printTable } from './report.ts';
import { RPC_TYPIST, RpcTypist } from './rpc-typist.ts';
import { DemoFailure, HELP, readOptions, type DemoOptions } from './running-studio.ts';
import { loadTrace } from './trace.ts';

/** The last events may still be on their way. */
const LAST_EVENTS_MS_MAX = 10_000;
const CREATED_EVENT_MS_MAX = 3_000;
const CREATE_TRIES_MAX = 4;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    say(HELP);
    return 0;
  }
  const client = createStudioClient({ address: options.grpcAddress, token: options.token });
  try {
    return await run(options, client);
  } catch (error) {
    // A refusal of the studio's own has a reason.
    if (!(error instanceof StudioCallError) || error.code !== 'UNAVAILABLE' || error.reason !== '') throw error;
    const { address, grpcAddress } = options;
    throw new DemoFailure(
      `The studio at ${address} does not answer (gRPC at ${grpcAddress}). Start it with \`npm start\`, in another terminal.`,
    );
  } finally {
    client.close();
  }
}

async function run(options: DemoOptions, client: StudioClient): Promise<number> {
  const trace = loadTrace(options.limit);
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  failed.catch(() => {});
  let editor: EditorTypist | undefined;
  const appliedVersions = new Set<number>();
  let blobId = '';
  const events = new EventWatch(client, (event) => {
    if (event.type !== EventType.DELTA_APPLIED || event.blobId !== blobId) return;
    appliedVersions.add(Number(event.version));
    if (event.causedBy !== RPC_TYPIST) editor?.announced(Number(event.version));
  });
  events.start(fail);
  try {
    await registerProviders(client);
    const blob = await createWatched(client, (id) => {
      blobId = id;
      events.follow(id);
      return () => appliedVersions.size > 0;
    });
    const address = { address: options.address, token: options.token, blobId: blob.id };
    editor = await EditorTypist.open(address, fail);
    const rpc = new RpcTypist(client, blob.id);

    say(`Blob ${blob.id} at ${options.address}: two people type ${count(trace.keystrokes)} keystrokes into it,`);
    say('one through a gRPC client, one in an editor, each in the state they saw at the time.');
    const bar = new ProgressBar(trace.keystrokes);
    const firstVersion = Number(blob.version);
    const started = performance.now();
    const typing = replay({ trace, rpc, editor, firstVersion, onKeystroke: () => bar.step() });
    await Promise.race([typing, failed]);
    const seconds = (performance.now() - started) / 1000;

    const version = Number((await client.blobs.getBlob({ id: blob.id })).blob?.contentVersion ?? 0n);
    const doors = await readThroughDoors(client, address, version);
    const derived = await readDerived(client, blob.id, version, trace.endContent);
    const isRight = compare(trace.endContent, doors, derived);
    const hasEvents = await becomesTrue(() => appliedVersions.size >= version, LAST_EVENTS_MS_MAX);
    if (!hasEvents) say(`  ✘ events: only ${appliedVersions.size} of ${version} deltas were announced`);
    say();
    const [rpcKeystrokes, editorKeystrokes] = trace.authors;
    printTable({
      seconds,
      authors: [
        { name: 'gRPC', typist: rpc, offHead: countOffHead(rpcKeystrokes, rpc.versions, editor.versions) },
        { name: 'editor', typist: editor, offHead: countOffHead(editorKeystrokes, editor.versions, rpc.versions) },
      ],
      events: events.counts,
      derived,
    });
    return isRight && hasEvents ? 0 : 1;
  } finally {
    editor?.close();
    await events.stop();
  }
}

/** A blob of which no event is missed: one made before the stream was there is thrown away. */
async function createWatched(client: StudioClient, follow: (id: string) => () => boolean): Promise<Blob> {
  for (let tries = 1; tries <= CREATE_TRIES_MAX; tries += 1) {
    const { blob } = await client.blobs.createBlob({ contentType: 'text/markdown', labels: { made_by: 'demo' } });
    if (!blob) throw new Error('CreateBlob answered without a blob.');
    const isAnnounced = follow(blob.id);
    if (await becomesTrue(isAnnounced, CREATED_EVENT_MS_MAX)) return blob;
    await client.blobs.deleteBlob({ id: blob.id });
  }
  throw new DemoFailure('The studio announces no events: see `npm run studio doctor`.');
}

async function becomesTrue(condition: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  return condition();
}

function explain(error: unknown): string {
  if (error instanceof DemoFailure) return error.message;
  if (error instanceof StudioCallError) return `The studio refused: ${error.code} ${error.reason}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\n${explain(error)}\n`);
  return 1;
});
