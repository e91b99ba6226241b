/** Providers as stored. */
import type { Collection, Db, Filter } from 'mongodb';
import type {
  Provider,
  ProviderScope,
  ProviderStatus,
  ProviderType,
  TriggerEvent,
} from '../domain/derivation/provider.ts';
import { StudioError } from '../errors.ts';
import { ACTIVE_PROVIDERS_MAX } from '../limits.ts';
import { orderKey } from './blobs.ts';
import { isDuplicateKey } from './database-error.ts';

interface ProviderDocument {
  _id: string;
  user_id: string;
  /** Who sees it, as one key to look up by: `all`, or `user:<id>`. */
  audience: string;
  /** Newest first: `<ms, 14 digits>-<id>`. */
  order_key: string;
  scope: ProviderScope;
  name: string;
  description: string;
  type: ProviderType;
  workflow_id: string;
  task_queue: string;
  endpoint: string;
  input_schema: string;
  output_schema: string;
  config: string;
  supported_types: string[];
  max_input_size: number;
  timeout_ms: number;
  trigger_events: TriggerEvent[];
  trigger_patterns: string[];
  on_derived: boolean;
  debounce?: { quiet_ms: number; max_wait_ms: number };
  status: ProviderStatus;
  version: number;
  created_at: Date;
  updated_at: Date;
}

export class ProviderStore {
  readonly #providers: Collection<ProviderDocument>;

  constructor(db: Db) {
    this.#providers = db.collection('providers');
  }

  async createIndexes(): Promise<void> {
    await this.#providers.createIndex({ audience: 1, order_key: -1 });
    await this.#providers.createIndex({ user_id: 1 });
  }

  /** Throws PROVIDER_ALREADY_EXISTS when the id is taken, by whomever. */
  async insert(provider: Provider): Promise<void> {
    try {
      await this.#providers.insertOne(toDocument(provider));
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      throw new StudioError('PROVIDER_ALREADY_EXISTS', `There is a provider "${provider.id}" already.`, {
        provider_id: provider.id,
      });
    }
  }

  async get(id: string): Promise<Provider | undefined> {
    const document = await this.#providers.findOne({ _id: id });
    return document ? fromDocument(document) : undefined;
  }

  async countOfUser(userId: string): Promise<number> {
    return this.#providers.countDocuments({ user_id: userId });
  }

  /** The user's own and those of scope `all`, newest first; `after` is the order key of the last one seen. */
  async list(
    userId: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ provider: Provider; orderKey: string }[]> {
    const filter: Filter<ProviderDocument> = { audience: { $in: audiencesOf(userId) } };
    if (after !== undefined) filter.order_key = { $lt: after };
    const documents = await this.#providers.find(filter).sort({ order_key: -1 }).limit(limit).toArray();
    return documents.map((document) => ({ provider: fromDocument(document), orderKey: document.order_key }));
  }

  /** What may run on this user's blobs. Throws LIMIT_EXCEEDED rather than leave one out silently. */
  async activeFor(userId: string): Promise<Provider[]> {
    const filter: Filter<ProviderDocument> = { audience: { $in: audiencesOf(userId) }, status: 'active' };
    const documents = await this.#providers
      .find(filter)
      .limit(ACTIVE_PROVIDERS_MAX + 1)
      .toArray();
    if (documents.length > ACTIVE_PROVIDERS_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', `More than ${ACTIVE_PROVIDERS_MAX} providers are active for one user.`, {
        limit: 'ACTIVE_PROVIDERS_MAX',
      });
    }
    return documents.map(fromDocument);
  }
}

function audiencesOf(userId: string): string[] {
  return [`user:${userId}`, 'all'];
}

function toDocument(provider: Provider): ProviderDocument {
  const { debounce } = provider;
  return {
    _id: provider.id,
    user_id: provider.userId,
    audience: provider.scope === 'all' ? 'all' : `user:${provider.userId}`,
    order_key: orderKey(provider),
    scope: provider.scope,
    name: provider.name,
    description: provider.description,
    type: provider.type,
    workflow_id: provider.workflowId,
    task_queue: provider.taskQueue,
    endpoint: provider.endpoint,
    input_schema: provider.inputSchema,
    output_schema: provider.outputSchema,
    config: provider.config,
    supported_types: [...provider.supportedTypes],
    max_input_size: provider.maxInputSize,
    timeout_ms: provider.timeoutMs,
    trigger_events: [...provider.triggerEvents],
    trigger_patterns: [...provider.triggerPatterns],
    on_derived: provider.onDerived,
    ...(debounce ? { debounce: { quiet_ms: debounce.quietMs, max_wait_ms: debounce.maxWaitMs } } : {}),
    status: provider.status,
    version: provider.version,
    created_at: provider.createdAt,
    updated_at: provider.updatedAt,
  };
}

function fromDocument(document: ProviderDocument): Provider {
  const { debounce } = document;
  return {
    id: document._id,
    userId: document.user_id,
    scope: document.scope,
    name: document.name,
    description: document.description,
    type: document.type,
    workflowId: document.workflow_id,
    taskQueue: document.task_queue,
    endpoint: document.endpoint,
    inputSchema: document.input_schema,
    outputSchema: document.output_schema,
    config: document.config,
    supportedTypes: document.supported_types,
    maxInputSize: document.max_input_size,
    timeoutMs: document.timeout_ms,
    triggerEvents: document.trigger_events,
    triggerPatterns: document.trigger_patterns,
    onDerived: document.on_derived,
    ...(debounce ? { debounce: { quietMs: debounce.quiet_ms, maxWaitMs: debounce.max_wait_ms } } : {}),
    status: document.status,
    version: document.version,
    createdAt: document.created_at,
    updatedAt: document.updated_at,
  };
}
