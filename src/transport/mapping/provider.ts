import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { StudioError } from '../../errors.ts';
import {
  ProviderSchema,
  ProviderScope as ScopeMessage,
  ProviderStatus as StatusMessage,
  ProviderType as TypeMessage,
  TriggerEvent as TriggerMessage,
} from '../../gen/memmie/studio/v1/provider_pb.ts';
import { numberOf } from './number.ts';
import { millisecondsOf, timestampOf } from './time.ts';
import type {
  Provider,
  ProviderScope,
  ProviderStatus,
  ProviderType,
  TriggerEvent,
} from '../../domain/derivation/provider.ts';
import type { Provider as ProviderMessage } from '../../gen/memmie/studio/v1/provider_pb.ts';
import type { RegisterProviderRequest } from '../../gen/memmie/studio/v1/provider_service_pb.ts';
import type { RegisterProvider } from '../../providers/contract.ts';

const SCOPES: Readonly<Record<ProviderScope, ScopeMessage>> = { own: ScopeMessage.OWN, all: ScopeMessage.ALL };
const TYPES: Readonly<Record<ProviderType, TypeMessage>> = {
  builtin: TypeMessage.BUILTIN,
  workflow: TypeMessage.WORKFLOW,
  connect: TypeMessage.CONNECT,
};
const STATUSES: Readonly<Record<ProviderStatus, StatusMessage>> = {
  active: StatusMessage.ACTIVE,
  disabled: StatusMessage.DISABLED,
};
const TRIGGERS: Readonly<Record<TriggerEvent, TriggerMessage>> = {
  'blob.created': TriggerMessage.BLOB_CREATED,
  'blob.updated': TriggerMessage.BLOB_UPDATED,
};

export function providerMessage(provider: Provider): ProviderMessage {
  const { debounce } = provider;
  return create(ProviderSchema, {
    id: provider.id,
    userId: provider.userId,
    scope: SCOPES[provider.scope],
    name: provider.name,
    description: provider.description,
    type: TYPES[provider.type],
    workflowId: provider.workflowId,
    taskQueue: provider.taskQueue,
    endpoint: provider.endpoint,
    inputSchema: provider.inputSchema,
    outputSchema: provider.outputSchema,
    config: provider.config,
    supportedTypes: [...provider.supportedTypes],
    maxInputSize: BigInt(provider.maxInputSize),
    timeout: durationFromMs(provider.timeoutMs),
    triggerEvents: provider.triggerEvents.map((event) => TRIGGERS[event]),
    triggerPatterns: [...provider.triggerPatterns],
    onDerived: provider.onDerived,
    debounce: debounce && { quiet: durationFromMs(debounce.quietMs), maxWait: durationFromMs(debounce.maxWaitMs) },
    status: STATUSES[provider.status],
    version: BigInt(provider.version),
    createdAt: timestampOf(provider.createdAt),
    updatedAt: timestampOf(provider.updatedAt),
  });
}

/** Zero and empty are left as they are: the registry knows the defaults. */
export function registerProviderOf(request: RegisterProviderRequest): RegisterProvider {
  const { debounce } = request;
  return {
    id: request.id || undefined,
    scope: request.scope === ScopeMessage.UNSPECIFIED ? 'own' : nameOf(SCOPES, request.scope, 'scope'),
    name: request.name,
    description: request.description,
    type: nameOf(TYPES, request.type, 'type'),
    workflowId: request.workflowId,
    taskQueue: request.taskQueue,
    endpoint: request.endpoint,
    inputSchema: request.inputSchema,
    outputSchema: request.outputSchema,
    config: request.config,
    supportedTypes: request.supportedTypes,
    maxInputSize: numberOf(request.maxInputSize, 'max_input_size'),
    timeoutMs: millisecondsOf(request.timeout),
    triggerEvents: request.triggerEvents.map((event) => nameOf(TRIGGERS, event, 'trigger_events')),
    triggerPatterns: request.triggerPatterns,
    onDerived: request.onDerived,
    debounce: debounce && { quietMs: millisecondsOf(debounce.quiet), maxWaitMs: millisecondsOf(debounce.maxWait) },
  };
}

function nameOf<T extends string>(names: Readonly<Record<T, number>>, value: number, field: string): T {
  for (const name in names) if (names[name] === value) return name;
  throw new StudioError('FIELD_INVALID', `${field} is not one that this studio knows.`, {
    field,
    rule: 'enum.defined_only',
  });
}
