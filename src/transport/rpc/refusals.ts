/**
 * What is found wrong with a call before its interceptors are asked is handed to them, so that it is answered, counted
 * and logged as every other failure is, alike on every door. Neither library would put a reason into its own answer.
 */
import { create, fromBinary, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { createContextKey } from '@connectrpc/connect';
import { StudioError } from '../../errors.ts';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { ContextValues, Interceptor, StreamRequest } from '@connectrpc/connect';

const refusalKey = createContextKey<Error | undefined>(undefined);

/** Throws what the call is refused for. */
export function requireUnrefused(contextValues: ContextValues): void {
  const refusal = contextValues.get(refusalKey);
  if (refusal) throw refusal;
}

/** The first reason is the one that is told. */
export function refuseCall(contextValues: ContextValues, error: Error): void {
  if (!contextValues.get(refusalKey)) contextValues.set(refusalKey, error);
}

/** Fields of a request that nobody here knows would be kept, each as an object of its own. */
export const READ_OPTIONS = { readUnknownFields: false };

/** What is said of bytes that could not be read, whoever tried. */
export function unreadable(type: DescMessage, bytes: Uint8Array, isJson: boolean): StudioError {
  return whyUnreadable(type, bytes, isJson) ?? StudioError.from(new Error(`a ${type.name} was not read`));
}

/** Undefined: they can be read. */
function whyUnreadable(type: DescMessage, bytes: Uint8Array, isJson: boolean): StudioError | undefined {
  try {
    // As connect reads JSON.
    if (isJson) fromJsonString(type, Buffer.from(bytes).toString(), { ignoreUnknownFields: true });
    else fromBinary(type, bytes, READ_OPTIONS);
  } catch (error) {
    return notA(type, error);
  }
  return undefined;
}

const lastMessageKey = createContextKey<{ readonly bytes: Uint8Array; readonly isJson: boolean } | undefined>(
  undefined,
);

/** Of a stream: what connect is about to read. */
export function keepLastMessage(contextValues: ContextValues, bytes: Uint8Array, isJson: boolean): void {
  contextValues.set(lastMessageKey, { bytes, isJson });
}

/** Of a message of a stream that can't be read connect says that the studio failed. */
export const tellUnreadable: Interceptor = (next) => (request) =>
  next(request.stream ? { ...request, message: told(request) } : request);

async function* told({ message, method, contextValues }: StreamRequest): AsyncIterable<MessageShape<DescMessage>> {
  try {
    yield* message;
  } catch (error) {
    const last = contextValues.get(lastMessageKey);
    throw (last && whyUnreadable(method.input, last.bytes, last.isJson)) ?? error;
  }
}

export function notA(type: DescMessage, error: unknown): StudioError {
  const message = error instanceof Error ? error.message : String(error);
  return new StudioError('FIELD_INVALID', `The request is no ${type.name}: ${message}`, {}, { cause: error });
}

/** Stands in for the request of a call that will be refused. */
export function emptyRequestBytes(type: DescMessage, isJson: boolean): Uint8Array {
  return isJson ? Buffer.from(toJsonString(type, create(type))) : new Uint8Array(0);
}
