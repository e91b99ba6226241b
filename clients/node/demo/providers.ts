/** The three built-in providers that the demo lets follow the text, and what they must have made of it. */
import MarkdownIt from 'markdown-it';
import { BlobView, ProviderType, TriggerEvent, type Blob, type StudioClient } from '../src/index.ts';

interface DemoProvider {
  readonly id: string;
  readonly builtin: string;
  /** What is wrong with its output for this text; empty: nothing. */
  readonly check: (output: string, text: string) => string;
}

const PROVIDERS: readonly DemoProvider[] = [
  { id: 'demo-expander', builtin: 'expander', check: checkExpanded },
  { id: 'demo-text-statistics', builtin: 'text-statistics', check: checkStatistics },
  { id: 'demo-markdown-html', builtin: 'markdown-html', check: checkHtml },
];

const DERIVED_MS_MAX = 60_000;
const LOOK_AGAIN_MS = 200;
const PAGE_SIZE = 100;

/** Finds those that an earlier run registered. */
export async function registerProviders(client: StudioClient): Promise<void> {
  const known = new Set<string>();
  for (let pageToken = ''; ;) {
    const page = await client.providers.listProviders({ pageSize: PAGE_SIZE, pageToken });
    for (const { id } of page.providers) known.add(id);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  for (const { id, builtin } of PROVIDERS) {
    if (known.has(id)) continue;
    await client.providers.registerProvider({
      id,
      name: `Demo: ${builtin}`,
      type: ProviderType.BUILTIN,
      workflowId: builtin,
      supportedTypes: ['text/markdown'],
      triggerEvents: [TriggerEvent.BLOB_CREATED, TriggerEvent.BLOB_UPDATED],
    });
  }
}

export interface DerivedReading {
  readonly provider: string;
  readonly blobId: string;
  /** The source's version it was made from. */
  readonly fromVersion: number;
  readonly executions: number;
  /** Empty: it is what it must be. */
  readonly problem: string;
}

/** Waits until each derived blob is made from `version`, then compares it with the text. */
export async function readDerived(
  client: StudioClient,
  blobId: string,
  version: number,
  text: string,
): Promise<DerivedReading[]> {
  const deadline = performance.now() + DERIVED_MS_MAX;
  for (;;) {
    const { blobs } = await client.dag.listChildren({ blobId, pageSize: PAGE_SIZE });
    const found = PROVIDERS.map((provider) => ({
      provider,
      child: blobs.find((blob) => blob.createdBy === provider.id),
    }));
    const isCurrent = found.every(({ child }) => child && inputVersion(child, blobId) >= version);
    if (isCurrent || performance.now() > deadline) {
      return Promise.all(
        found.map(({ provider, child }) => readOne(client, provider, child, { blobId, version, text })),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

async function readOne(
  client: StudioClient,
  provider: DemoProvider,
  child: Blob | undefined,
  source: { readonly blobId: string; readonly version: number; readonly text: string },
): Promise<DerivedReading> {
  if (!child) {
    const problem = `there is none after ${DERIVED_MS_MAX / 1000} s`;
    return { provider: provider.builtin, blobId: '', fromVersion: 0, executions: 0, problem };
  }
  const { blob } = await client.blobs.getBlob({ id: child.id, view: BlobView.FULL });
  const fromVersion = blob ? inputVersion(blob, source.blobId) : 0;
  const stale = fromVersion < source.version ? `made from version ${fromVersion}, not ${source.version}` : '';
  const output = Buffer.from(blob?.content ?? new Uint8Array()).toString('utf8');
  return {
    provider: provider.builtin,
    blobId: child.id,
    fromVersion,
    executions: await countExecutions(client, child.id),
    problem: stale || provider.check(output, source.text),
  };
}

/** Each execution that changed the blob left a delta that names it. */
async function countExecutions(client: StudioClient, blobId: string): Promise<number> {
  const keys = new Set<string>();
  for (let pageToken = ''; ;) {
    const page = await client.deltas.listDeltas({ blobId, pageSize: PAGE_SIZE, pageToken });
    for (const { derivation } of page.deltas) if (derivation) keys.add(derivation.executionKey);
    pageToken = page.nextPageToken;
    if (pageToken === '') return keys.size;
  }
}

function inputVersion(blob: Blob, sourceId: string): number {
  const input = blob.derivedFrom?.inputs.find((receipt) => receipt.blobId === sourceId);
  return Number(input?.version ?? 0n);
}

function checkExpanded(output: string, text: string): string {
  if (!output.startsWith('Expanded:\n')) return 'it does not start with "Expanded:"';
  const body = output.slice('Expanded:\n'.length);
  // It only ever spells words out.
  if (body.length < text.length || body.split('\n').length !== text.split('\n').length) return 'it is not this text';
  return '';
}

/** Counted here anew, by other means than the built-in's. */
function checkStatistics(output: string, text: string): string {
  const statistics = JSON.parse(output) as Record<string, number>;
  const expected: Record<string, number> = {
    bytes: new TextEncoder().encode(text).byteLength,
    code_points: Array.from(text).length,
    lines: text === '' ? 0 : text.split('\n').length,
    paragraphs: text.split(/\n[^\S\n]*\n/u).filter((paragraph) => paragraph.trim() !== '').length,
    words: wordsOf(text).length,
    unique_words: new Set(wordsOf(text).map((word) => word.toLowerCase())).size,
  };
  const wrong = Object.entries(expected).filter(([name, value]) => statistics[name] !== value);
  return wrong.map(([name, value]) => `${name} is ${statistics[name]}, not ${value}`).join('; ');
}

/** Letters and digits, joined by single apostrophes and hyphens. */
function wordsOf(text: string): string[] {
  return text
    .split(/[^\p{L}\p{N}'’-]+/u)
    .flatMap((part) => part.split(/['’-]{2,}/u))
    .map((part) => part.replace(/^['’-]+|['’-]+$/gu, ''))
    .filter((part) => part !== '');
}

function checkHtml(output: string, text: string): string {
  return output === new MarkdownIt({ html: false }).render(text) ? '' : 'it is not the HTML of this text';
}
