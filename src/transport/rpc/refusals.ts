/**
 * What is found wrong with a call before its interceptors are asked is handed to them, so that it is answered, counted
 * and logged as every other failure is, alike on every door. Neither library would put a reason into its own answer.
 */
import { create, fromBinary, fromJsonString, toJsonString } from '@bufbuild/protobuf';
import { createContextKey } from '@connectrpc/connect';
import { StudioError } from '../../errors.ts';
import type { DescMessage } from '@bufbuild/protobuf';
import type { ContextValues } from '@connectrpc/connect';

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
  try {
    // As connect reads JSON.
    if (isJson) fromJsonString(type, Buffer.from(bytes).toString(), { ignoreUnknownFields: true });
    else fromBinary(type, bytes, READ_OPTIONS);
  } catch (error) {
    return notA(type, error);
  }
  return StudioError.from(new Error(`a ${type.name} was not read`));
}

export function notA(type: DescMessage, error: unknown): StudioError {
  const message = error instanceof Error ? error.message : String(error);
  return new StudioError('FIELD_INVALID', `The request is no ${type.name}: ${message}`, {}, { cause: error });
}

/** Stands in for the request of a call that will be refused. */
export function emptyRequestBytes(type: DescMessage, isJson: boolean): Uint8Array {
  return isJson ? Buffer.from(toJsonString(type, create(type))) : new Uint8Array(0);
}
