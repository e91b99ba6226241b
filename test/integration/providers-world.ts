/** One user with a content type of their own, so that the tests of one database do not get into each other. */
import type { Blob, BlobWithContent } from '../../src/domain/blob.ts';
import type { Caller } from '../../src/domain/access/caller.ts';
import { derivedBlobId } from '../../src/domain/derivation/execution-key.ts';
import type { Execution, Provider } from '../../src/domain/derivation/provider.ts';
import { StudioError } from '../../src/errors.ts';
import type { RegisterProvider } from '../../src/providers/contract.ts';
import { eventually } from '../harness/eventually.ts';
import type { World } from './providers-compose.ts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (blob: BlobWithContent): string => Buffer.from(blob.content ?? []).toString('utf8');

export async function reasonOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => StudioError.from(error).reason,
  );
}

export interface Scene {
  readonly caller: Caller;
  readonly contentType: string;
  /** An expander of this scene's content type, told of creations and updates, unless said otherwise. */
  register(fields?: Partial<RegisterProvider>, by?: Caller): Promise<Provider>;
  create(text: string, contentType?: string, parentIds?: readonly string[]): Promise<Blob>;
  edit(id: string, text: string): Promise<void>;
  read(id: string): Promise<BlobWithContent>;
  /** The derived blob, once it was made from the source's newest content. */
  fresh(sourceId: string, provider: Provider): Promise<BlobWithContent>;
  derived(sourceId: string, provider: Provider): Promise<BlobWithContent>;
  process(blobId: string, provider: Provider, version?: number): Promise<Execution>;
  settled(executionId: string): Promise<Execution>;
}

let scenes = 0;

export function newScene(world: World): Scene {
  scenes += 1;
  const caller: Caller = { userId: `user-${scenes}`, administrator: false };
  const contentType = `text/x-scene-${scenes}`;
  const read = (id: string): Promise<BlobWithContent> => world.documents.getBlob(caller, id, { withContent: true });
  const derived = (sourceId: string, provider: Provider): Promise<BlobWithContent> =>
    read(derivedBlobId(sourceId, provider.id));
  return {
    caller,
    contentType,
    read,
    derived,
    register: (fields = {}, by = caller) =>
      world.registry.register(by, {
        scope: 'own',
        name: 'a provider',
        description: '',
        type: 'builtin',
        workflowId: 'expander',
        taskQueue: '',
        endpoint: '',
        inputSchema: '',
        outputSchema: '',
        config: '',
        supportedTypes: [contentType],
        maxInputSize: 0,
        timeoutMs: 0,
        triggerEvents: ['blob.created', 'blob.updated'],
        triggerPatterns: [],
        onDerived: false,
        ...fields,
      }),
    create: async (text, type = contentType, parentIds = []) => {
      const request = { content: bytes(text), contentType: type, parentIds, labels: {} };
      return (await world.documents.createBlob(caller, request)).blob;
    },
    edit: async (id, text) => {
      await world.documents.updateBlob(caller, { id, content: bytes(text) });
    },
    fresh: (sourceId, provider) =>
      eventually(`${provider.workflowId} brings ${sourceId} up to date`, async () => {
        const [source, made] = await Promise.all([read(sourceId), derived(sourceId, provider)]);
        const input = made.derivedFrom?.inputs[0];
        return input !== undefined && input.version >= source.contentVersion && made;
      }),
    process: (blobId, provider, version) =>
      world.registry.process(caller, { blobId, providerId: provider.id, ...(version ? { version } : {}) }),
    settled: (executionId) =>
      eventually(`execution ${executionId} ends`, async () => {
        const execution = await world.registry.getExecution(caller, executionId);
        return execution.status !== 'running' && execution;
      }),
  };
}
