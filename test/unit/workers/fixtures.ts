import type { Blob } from '../../../src/domain/blob.ts';
import type { Provider } from '../../../src/domain/derivation/provider.ts';

const REGISTERED = new Date('2026-01-01T00:00:00Z');
const CREATED = new Date('2026-01-02T00:00:00Z');

export function blobOf(fields: Partial<Blob> & { readonly id: string }): Blob {
  return {
    userId: 'ada',
    contentVersion: fields.version ?? 1,
    contentType: 'text/plain',
    size: 10,
    version: 1,
    parentIds: [],
    rootId: 'root',
    depth: 0,
    createdBy: 'user',
    labels: {},
    processedBy: {},
    etag: '1.0',
    createdAt: CREATED,
    updatedAt: CREATED,
    ...fields,
  };
}

export function providerOf(fields: Partial<Provider> & { readonly id: string }): Provider {
  return {
    userId: 'ada',
    scope: 'own',
    name: fields.id,
    description: '',
    type: 'builtin',
    workflowId: 'expander',
    taskQueue: '',
    endpoint: '',
    inputSchema: '',
    outputSchema: '',
    config: '',
    supportedTypes: ['text/*'],
    maxInputSize: 1_000,
    timeoutMs: 1_000,
    triggerEvents: ['blob.created', 'blob.updated'],
    triggerPatterns: [],
    onDerived: false,
    status: 'active',
    version: 1,
    createdAt: REGISTERED,
    updatedAt: REGISTERED,
    ...fields,
  };
}
