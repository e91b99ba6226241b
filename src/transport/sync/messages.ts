/**
 * y-websocket's messages: a type, for sync messages a second one, then one length-prefixed payload. Hocuspocus's are
 * the same behind the name of a document; `address` is that name as it is written, and empty here.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { messagePermissionDenied } from 'y-protocols/auth';
import { messageYjsSyncStep1, messageYjsSyncStep2, messageYjsUpdate } from 'y-protocols/sync';
import { StudioError } from '../../errors.ts';
import { Message } from './frames.ts';

export const SYNC = 0;
export const AWARENESS = 1;
export const AUTH = 2;
export const QUERY_AWARENESS = 3;
/** Only to clients that asked for it (`?versions=1`): what became of their edits, as JSON. Stock ones know no such type. */
export const SAVED = 100;

/** Client to server: here is a (new) token. The number is Hocuspocus's. */
export const AUTH_TOKEN = 0;
/** Server to client: what the client may do, `read-write` or `readonly`. The stock y-websocket provider passes over it. */
export const AUTH_GRANTED = 2;

export const NO_ADDRESS = new Uint8Array(0);

export type SyncMessage =
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  /** `answer`: it came as sync step 2. */
  | { readonly kind: 'update'; readonly update: Uint8Array; readonly answer: boolean };

export type EditorMessage =
  | SyncMessage
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'query_awareness' }
  | { readonly kind: 'token'; readonly token: string }
  /** Something else about authentication, which concerns clients only. */
  | { readonly kind: 'auth' };

/** Throws UPDATE_MALFORMED. Payloads are views into `message`. */
export function readMessage(message: Uint8Array): EditorMessage {
  try {
    const decoder = decoding.createDecoder(message);
    const type = decoding.readVarUint(decoder);
    if (type === SYNC) return readSync(decoder);
    if (type === AWARENESS) return { kind: 'awareness', update: decoding.readVarUint8Array(decoder) };
    if (type === QUERY_AWARENESS) return { kind: 'query_awareness' };
    if (type === AUTH) return readAuth(decoder);
    throw new Error(`message type ${type}`);
  } catch (cause) {
    throw new StudioError('UPDATE_MALFORMED', "That is not a message of y-websocket's protocol.", {}, { cause });
  }
}

/** Throws what lib0 throws. */
export function readSync(decoder: decoding.Decoder): SyncMessage {
  const step = decoding.readVarUint(decoder);
  const payload = decoding.readVarUint8Array(decoder);
  if (step === messageYjsSyncStep1) return { kind: 'step1', stateVector: payload };
  if (step === messageYjsSyncStep2) return { kind: 'update', update: payload, answer: true };
  if (step === messageYjsUpdate) return { kind: 'update', update: payload, answer: false };
  throw new Error(`sync message type ${step}`);
}

function readAuth(decoder: decoding.Decoder): EditorMessage {
  if (!decoding.hasContent(decoder) || decoding.readVarUint(decoder) !== AUTH_TOKEN) return { kind: 'auth' };
  return { kind: 'token', token: decoding.readVarString(decoder) };
}

export function step1Message(address: Uint8Array, stateVector: Uint8Array): Message {
  return syncMessage(address, messageYjsSyncStep1, stateVector);
}

export function step2Message(address: Uint8Array, update: Uint8Array): Message {
  return syncMessage(address, messageYjsSyncStep2, update);
}

export function updateMessage(address: Uint8Array, update: Uint8Array): Message {
  return syncMessage(address, messageYjsUpdate, update);
}

export function awarenessMessage(address: Uint8Array, update: Uint8Array): Message {
  return new Message(
    headed(address, (encoder) => {
      encoding.writeVarUint(encoder, AWARENESS);
      encoding.writeVarUint(encoder, update.byteLength);
    }),
    update,
  );
}

/** The stock providers print or emit the reason; y-websocket stops only for a close code from 4400 to 4499. */
export function permissionDeniedMessage(address: Uint8Array, reason: string): Message {
  return authMessage(address, messagePermissionDenied, reason);
}

export function grantedMessage(address: Uint8Array, readOnly: boolean): Message {
  return authMessage(address, AUTH_GRANTED, readOnly ? 'readonly' : 'read-write');
}

/** What became of an edit, for a client that wants to know. */
export type SavedNotice =
  | { readonly saved: { readonly version: number } }
  /** So many updates of this client are not durable yet, and have been for a while. */
  | { readonly unsaved: { readonly pending: number } };

/** Whether a client that wants to know could take what another client says for the studio's own word. */
export function isLikeSavedNotice(payload: string): boolean {
  try {
    const value: unknown = JSON.parse(payload);
    return typeof value === 'object' && value !== null && ('saved' in value || 'unsaved' in value);
  } catch {
    return false;
  }
}

export function savedMessage(notice: SavedNotice): Message {
  return new Message(
    headed(NO_ADDRESS, (encoder) => {
      encoding.writeVarUint(encoder, SAVED);
      encoding.writeVarString(encoder, JSON.stringify(notice));
    }),
  );
}

function authMessage(address: Uint8Array, kind: number, text: string): Message {
  return new Message(
    headed(address, (encoder) => {
      encoding.writeVarUint(encoder, AUTH);
      encoding.writeVarUint(encoder, kind);
      encoding.writeVarString(encoder, text);
    }),
  );
}

/** Written by hand: there is one for every keystroke, and an encoder costs more than the rest of it. */
function syncMessage(address: Uint8Array, step: number, payload: Uint8Array): Message {
  const head = Buffer.allocUnsafe(address.byteLength + 2 + VAR_UINT_BYTES_MAX);
  head.set(address, 0);
  let at = address.byteLength;
  head[at++] = SYNC;
  head[at++] = step;
  let length = payload.byteLength;
  for (; length > 0x7f; length = Math.floor(length / 0x80)) head[at++] = 0x80 | (length & 0x7f);
  head[at++] = length;
  return new Message(head.subarray(0, at), payload);
}

const VAR_UINT_BYTES_MAX = 8;

/** `address` and what `write` writes. */
export function headed(address: Uint8Array, write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeUint8Array(encoder, address);
    write(encoder);
  });
}

/** No structs, no deletions: an editor that has nothing to add answers with it. */
export function isEmptyUpdate(update: Uint8Array): boolean {
  return update.byteLength === 2 && update[0] === 0 && update[1] === 0;
}
