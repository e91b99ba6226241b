/** y-websocket's messages: a type, for sync messages a second one, then one length-prefixed payload. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { writePermissionDenied } from 'y-protocols/auth';
import { messageYjsSyncStep1, messageYjsSyncStep2, messageYjsUpdate } from 'y-protocols/sync';
import { StudioError } from '../../errors.ts';

const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;

export type EditorMessage =
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  /** `answer`: it came as sync step 2. */
  | { readonly kind: 'update'; readonly update: Uint8Array; readonly answer: boolean }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'query_awareness' }
  /** Meant for clients only; a client that sends it is not refused for it. */
  | { readonly kind: 'auth' };

/** An awareness update without clients: changes nothing, and shows that the connection lives. */
export const KEEP_ALIVE: Uint8Array = awarenessMessage(Uint8Array.of(0));

/** Throws UPDATE_MALFORMED. Payloads are views into `message`. */
export function readMessage(message: Uint8Array): EditorMessage {
  try {
    const decoder = decoding.createDecoder(message);
    const type = decoding.readVarUint(decoder);
    if (type === SYNC) return readSync(decoder);
    if (type === AWARENESS) return { kind: 'awareness', update: decoding.readVarUint8Array(decoder) };
    if (type === QUERY_AWARENESS) return { kind: 'query_awareness' };
    if (type === AUTH) return { kind: 'auth' };
    throw new Error(`message type ${type}`);
  } catch (cause) {
    throw new StudioError('UPDATE_MALFORMED', "That is not a message of y-websocket's protocol.", {}, { cause });
  }
}

function readSync(decoder: decoding.Decoder): EditorMessage {
  const step = decoding.readVarUint(decoder);
  const payload = decoding.readVarUint8Array(decoder);
  if (step === messageYjsSyncStep1) return { kind: 'step1', stateVector: payload };
  if (step === messageYjsSyncStep2) return { kind: 'update', update: payload, answer: true };
  if (step === messageYjsUpdate) return { kind: 'update', update: payload, answer: false };
  throw new Error(`sync message type ${step}`);
}

export function step1Message(stateVector: Uint8Array): Uint8Array {
  return syncMessage(messageYjsSyncStep1, stateVector);
}

export function step2Message(update: Uint8Array): Uint8Array {
  return syncMessage(messageYjsSyncStep2, update);
}

export function updateMessage(update: Uint8Array): Uint8Array {
  return syncMessage(messageYjsUpdate, update);
}

export function awarenessMessage(update: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, AWARENESS);
    encoding.writeVarUint8Array(encoder, update);
  });
}

/** The stock provider prints the reason; it stops only for a close code from 4400 to 4499. */
export function permissionDeniedMessage(reason: string): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, AUTH);
    writePermissionDenied(encoder, reason);
  });
}

function syncMessage(step: number, payload: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, payload);
  });
}
