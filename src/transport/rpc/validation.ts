import { create } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { StudioError } from '../../errors.ts';
import type { DescMessage, DescService, MessageShape } from '@bufbuild/protobuf';
import type { Validator, Violation } from '@bufbuild/protovalidate';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Reason } from '../../errors.ts';

/** Rules whose violation has a reason of its own, by the field's name and the rule; all others are FIELD_INVALID. */
const LIMIT_REASONS: Readonly<Record<string, { readonly reason: Reason; readonly limit: string }>> = {
  'content bytes.max_len': { reason: 'CONTENT_TOO_LARGE', limit: 'CONTENT_BYTES_MAX' },
  'yjs_update bytes.max_len': { reason: 'UPDATE_TOO_COMPLEX', limit: 'UPDATE_BYTES_MAX' },
  'update bytes.max_len': { reason: 'UPDATE_TOO_COMPLEX', limit: 'UPDATE_BYTES_MAX' },
  'edits repeated.max_items': { reason: 'LIMIT_EXCEEDED', limit: 'TEXT_EDITS_PER_DELTA_MAX' },
  'labels map.max_pairs': { reason: 'LIMIT_EXCEEDED', limit: 'LABELS_MAX' },
  'values map.max_pairs': { reason: 'LIMIT_EXCEEDED', limit: 'LABELS_MAX' },
  'patches repeated.max_items': { reason: 'LIMIT_EXCEEDED', limit: 'BATCH_PATCHES_MAX' },
  'ids repeated.max_items': { reason: 'LIMIT_EXCEEDED', limit: 'REVERT_IDS_MAX' },
  'parent_ids repeated.max_items': { reason: 'LIMIT_EXCEEDED', limit: 'PARENTS_MAX' },
};

export interface RequestValidation {
  /** Throws what is wrong with a request by the rules of its schema: its reason, and metadata `field` and `rule`. */
  readonly validate: <T extends DescMessage>(schema: T, message: MessageShape<T>) => void;
  /** Reads a schema's rules ahead of its first message. Throws when one of them can't be read. */
  readonly prepare: (schema: DescMessage) => void;
}

/** One validator for all requests: it plans each schema once, which takes ten thousand times as long as a check. */
export function createRequestValidation(): RequestValidation {
  const validator: Validator = createValidator({ failFast: true, regexMatch: createRegexMatch() });
  return {
    validate(schema, message) {
      const result = validator.validate(schema, message);
      if (result.kind === 'valid') return;
      const violation = result.kind === 'invalid' ? result.violations[0] : undefined;
      // A rule that can't be evaluated is a fault of the schema, not of the request.
      throw violation ? violationError(violation) : result.error;
    },
    prepare(schema) {
      const result = validator.validate(schema, create(schema));
      if (result.kind === 'error') throw result.error;
    },
  };
}

/** A service whose requests are validated before its implementation sees them, whatever door they came through. */
export function validated<T extends DescService>(
  service: T,
  implementation: Partial<ServiceImpl<T>>,
  { validate, prepare }: RequestValidation,
): Partial<ServiceImpl<T>> {
  const wrapped: Record<string, unknown> = {};
  for (const method of service.methods) {
    const call = (implementation as Record<string, AnyImpl | undefined>)[method.localName]?.bind(implementation);
    if (!call) continue;
    prepare(method.input);
    if (method.methodKind === 'unary') {
      wrapped[method.localName] = async (request: MessageShape<DescMessage>, context: HandlerContext) => {
        validate(method.input, request);
        return call(request, context);
      };
    } else if (method.methodKind === 'server_streaming') {
      wrapped[method.localName] = async function* (request: MessageShape<DescMessage>, context: HandlerContext) {
        validate(method.input, request);
        yield* call(request, context) as AsyncIterable<unknown>;
      };
    } else {
      wrapped[method.localName] = (requests: AsyncIterable<MessageShape<DescMessage>>, context: HandlerContext) =>
        call(validatedEach(method.input, requests, validate), context);
    }
  }
  return wrapped as Partial<ServiceImpl<T>>;
}

type AnyImpl = (
  request: MessageShape<DescMessage> | AsyncIterable<MessageShape<DescMessage>>,
  context: HandlerContext,
) => unknown;

async function* validatedEach<T extends MessageShape<DescMessage>>(
  schema: DescMessage,
  messages: AsyncIterable<T>,
  validate: RequestValidation['validate'],
): AsyncIterable<T> {
  for await (const message of messages) {
    validate(schema, message);
    yield message;
  }
}

function violationError(violation: Violation): StudioError {
  const field = pathToString(violation.field);
  const name = violation.field.findLast((step) => step.kind === 'field' || step.kind === 'oneof')?.name ?? '';
  const limit = LIMIT_REASONS[`${name} ${violation.ruleId}`];
  const message = `${field || 'The request'}: ${violation.message || violation.ruleId}.`;
  if (!limit) return new StudioError('FIELD_INVALID', message, { field, rule: violation.ruleId });
  return new StudioError(limit.reason, message, { field, rule: violation.ruleId, limit: limit.limit });
}

/** The patterns are our own, of the schema, and run in linear time in the engine's RegExp, which is much the faster. */
function createRegexMatch(): (pattern: string, text: string) => boolean {
  const compiled = new Map<string, RegExp>();
  return (pattern, text) => {
    let regex = compiled.get(pattern);
    if (!regex) compiled.set(pattern, (regex = new RegExp(pattern, 'u')));
    return regex.test(text);
  };
}
