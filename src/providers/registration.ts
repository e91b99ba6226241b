/** What a registration must fulfil, and the defaults it is completed with. */
import type { Caller } from '../domain/access/caller.ts';
import { requireId, uuidV7 } from '../domain/ids.ts';
import { compilePatterns } from '../domain/derivation/pattern.ts';
import type { Provider } from '../domain/derivation/provider.ts';
import { compileSchema } from '../domain/derivation/schema.ts';
import { essenceOf, supportsType } from '../domain/derivation/trigger.ts';
import { StudioError } from '../errors.ts';
import {
  BUILTIN_INPUT_BYTES_MAX,
  CONFIG_BYTES_MAX,
  DEBOUNCE_MS_MAX,
  PROVIDER_DESCRIPTION_CHARACTERS_MAX,
  PROVIDER_INPUT_BYTES_MAX,
  PROVIDER_NAME_CHARACTERS_MAX,
  PROVIDER_TIMEOUT_MS_DEFAULT,
  PROVIDER_TIMEOUT_MS_MAX,
  SUPPORTED_TYPES_MAX,
  WORKFLOW_NAME_CHARACTERS_MAX,
} from '../limits.ts';
import type { RegisterProvider } from './contract.ts';

export interface RegistrationRules {
  /** Prefixes that workflow types and task queues of `workflow` providers may carry. */
  readonly workflowPrefixes: readonly string[];
  /** Name → content types it can take. */
  readonly builtins: ReadonlyMap<string, { readonly supportedTypes: readonly string[] }>;
}

/** Names that could be the studio's own, whatever prefixes are configured. */
const OWN_NAMES = /^(?:studio|temporal|__temporal)/i;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})$/;

/**
 * The provider as it will be stored. Throws FIELD_INVALID, PROVIDER_INVALID, SCHEMA_INVALID, PATTERN_INVALID,
 * WORKFLOW_FORBIDDEN, ACCESS_DENIED or LIMIT_EXCEEDED, each naming the field.
 */
export function checkRegistration(
  caller: Caller,
  request: RegisterProvider,
  rules: RegistrationRules,
  now: Date,
): Provider {
  const id = request.id || uuidV7(now.getTime());
  requireId(id, 'id');
  // `created_by` of a blob is `user` or a provider's id: a provider of that name would pass for a person.
  if (id === 'user') throw invalid('id', 'The id "user" is taken by people.');
  if (request.scope === 'all' && !caller.administrator) {
    throw new StudioError('ACCESS_DENIED', 'Only an administrator may register a provider of scope "all".', {
      field: 'scope',
    });
  }
  requireLength(request.name, 1, PROVIDER_NAME_CHARACTERS_MAX, 'name');
  requireLength(request.description, 0, PROVIDER_DESCRIPTION_CHARACTERS_MAX, 'description');
  checkConfig(request.config);
  compileSchema(request.inputSchema, 'input_schema');
  compileSchema(request.outputSchema, 'output_schema');
  compilePatterns(request.triggerPatterns, 'trigger_patterns');
  const typed = checkType(request, rules);
  return {
    id,
    userId: caller.userId,
    scope: request.scope,
    name: request.name,
    description: request.description,
    type: request.type,
    endpoint: request.type === 'connect' ? request.endpoint : '',
    inputSchema: request.inputSchema,
    outputSchema: request.outputSchema,
    config: request.config,
    timeoutMs: bounded(request.timeoutMs, PROVIDER_TIMEOUT_MS_DEFAULT, PROVIDER_TIMEOUT_MS_MAX, 'timeout'),
    triggerEvents: [...new Set(request.triggerEvents)],
    triggerPatterns: request.triggerPatterns,
    onDerived: request.onDerived,
    ...checkDebounce(request),
    ...typed,
    status: 'active',
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}

type Typed = Pick<Provider, 'workflowId' | 'taskQueue' | 'supportedTypes' | 'maxInputSize'>;

function checkType(request: RegisterProvider, rules: RegistrationRules): Typed {
  const supportedTypes = checkSupportedTypes(request.supportedTypes);
  if (request.type === 'builtin') return checkBuiltin(request, supportedTypes, rules);
  if (request.type === 'connect') throw invalid('type', 'Providers of type "connect" are not built yet.');
  requireOwnQueue(request.workflowId, 'workflow_id', rules);
  requireOwnQueue(request.taskQueue, 'task_queue', rules);
  return {
    workflowId: request.workflowId,
    taskQueue: request.taskQueue,
    supportedTypes,
    maxInputSize: bounded(request.maxInputSize, PROVIDER_INPUT_BYTES_MAX, PROVIDER_INPUT_BYTES_MAX, 'max_input_size'),
  };
}

function checkBuiltin(request: RegisterProvider, supportedTypes: readonly string[], rules: RegistrationRules): Typed {
  const builtin = rules.builtins.get(request.workflowId);
  if (!builtin) {
    const known = [...rules.builtins.keys()].join(', ');
    throw invalid('workflow_id', `There is no built-in "${request.workflowId}"; there are: ${known}.`);
  }
  const foreign = supportedTypes.find((type) => !supportsType(builtin.supportedTypes, type));
  if (foreign !== undefined) {
    throw invalid(
      'supported_types',
      `"${request.workflowId}" takes ${builtin.supportedTypes.join(', ')}, not ${foreign}.`,
    );
  }
  return {
    workflowId: request.workflowId,
    taskQueue: '',
    supportedTypes: supportedTypes.length > 0 ? supportedTypes : builtin.supportedTypes,
    maxInputSize: bounded(request.maxInputSize, BUILTIN_INPUT_BYTES_MAX, BUILTIN_INPUT_BYTES_MAX, 'max_input_size'),
  };
}

/** G8: a provider starts workflows by name on a queue by name; it must not be able to name ours or anybody's. */
function requireOwnQueue(name: string, field: string, rules: RegistrationRules): void {
  requireLength(name, 1, WORKFLOW_NAME_CHARACTERS_MAX, field);
  if (!OWN_NAMES.test(name) && rules.workflowPrefixes.some((prefix) => prefix !== '' && name.startsWith(prefix)))
    return;
  const allowed = rules.workflowPrefixes.map((prefix) => `"${prefix}"`).join(' or ');
  throw new StudioError('WORKFLOW_FORBIDDEN', `${field} must start with ${allowed}.`, { field });
}

function checkSupportedTypes(types: readonly string[]): readonly string[] {
  if (types.length > SUPPORTED_TYPES_MAX) {
    throw new StudioError('LIMIT_EXCEEDED', `At most ${SUPPORTED_TYPES_MAX} supported types.`, {
      field: 'supported_types',
      limit: 'SUPPORTED_TYPES_MAX',
    });
  }
  const essences = types.map(essenceOf);
  const wrong = essences.findIndex((type) => !MEDIA_TYPE.test(type));
  if (wrong >= 0) {
    throw invalid(`supported_types[${wrong}]`, `"${types[wrong]}" is not a content type such as text/plain or text/*.`);
  }
  return [...new Set(essences)];
}

function checkConfig(config: string): void {
  if (config === '') return;
  if (Buffer.byteLength(config) > CONFIG_BYTES_MAX) {
    throw new StudioError('LIMIT_EXCEEDED', `config is larger than ${CONFIG_BYTES_MAX} bytes.`, {
      field: 'config',
      limit: 'CONFIG_BYTES_MAX',
    });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(config);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalid('config', 'config must be a JSON object.');
}

function checkDebounce(request: RegisterProvider): Pick<Provider, 'debounce'> {
  if (!request.debounce) return {};
  const quietMs = bounded(request.debounce.quietMs, 0, DEBOUNCE_MS_MAX, 'debounce.quiet');
  const maxWaitMs = bounded(request.debounce.maxWaitMs, Math.max(quietMs, 1), DEBOUNCE_MS_MAX, 'debounce.max_wait');
  if (maxWaitMs < quietMs)
    throw invalid('debounce.max_wait', 'debounce.max_wait must not be shorter than debounce.quiet.');
  return quietMs === 0 ? {} : { debounce: { quietMs, maxWaitMs } };
}

/** 0 means the default. */
function bounded(value: number, fallback: number, max: number, field: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value === 0 ? fallback : value;
  throw new StudioError('FIELD_INVALID', `${field} must be a whole number from 0 to ${max}.`, { field });
}

function requireLength(text: string, min: number, max: number, field: string): void {
  // As the rules of the contract count them: an emoji is one.
  const characters = [...text].length;
  if (characters >= min && characters <= max) return;
  throw new StudioError('FIELD_INVALID', `${field} must have ${min} to ${max} characters.`, { field });
}

function invalid(field: string, message: string): StudioError {
  return new StudioError('PROVIDER_INVALID', message, { field });
}
