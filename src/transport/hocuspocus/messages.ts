/**
 * Hocuspocus 4's messages: the name of a document, a type, and what the type says. The name of a client that has several
 * sessions of one document on its socket is followed by NUL and the session's id; answers carry the same.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { StudioError } from '../../errors.ts';
import { SYNC_ADDRESS_BYTES_MAX } from '../../limits.ts';
import { Message } from '../sync/frames.ts';
import { AUTH, AUTH_TOKEN, AWARENESS, headed, QUERY_AWARENESS, readSync, SYNC } from '../sync/messages.ts';
import type { EditorMessage } from '../sync/messages.ts';

/** As SYNC, from a client that wants no sync step 1 in return. */
const SYNC_REPLY = 4;
const STATELESS = 5;
const CLOSE = 7;
const SYNC_STATUS = 8;
const PING = 9;
const PONG = 10;
const AUTH_DENIED = 1;

export type DocumentMessage =
  | Exclude<EditorMessage, { kind: 'token' }>
  /** `version`: what the client says it is; only Hocuspocus 4 does. */
  | { readonly kind: 'token'; readonly token: string; readonly version: string | undefined }
  | { readonly kind: 'stateless'; readonly payload: string }
  | { readonly kind: 'close' }
  /** Of a kind that only servers send, or of none that is known. */
  | { readonly kind: 'other' };

/** Whom a message is for. */
export interface Address {
  /** Name and session id as they are written, for comparing and answering. */
  readonly bytes: Uint8Array;
  readonly key: string;
  readonly documentName: string;
}

/** Throws UPDATE_MALFORMED. */
export function readAddress(message: Uint8Array): Address {
  const decoder = decoding.createDecoder(message);
  try {
    const key = decoding.readVarString(decoder);
    if (decoder.pos > SYNC_ADDRESS_BYTES_MAX) throw new Error('the name is too long');
    const [documentName = ''] = key.split('\0', 1);
    return { bytes: Uint8Array.prototype.slice.call(message, 0, decoder.pos), key, documentName };
  } catch (cause) {
    throw malformed(cause);
  }
}

/** What follows the address. Throws UPDATE_MALFORMED. Payloads are views into `message`. */
export function readDocumentMessage(message: Uint8Array, addressBytes: number): DocumentMessage {
  try {
    const decoder = decoding.createDecoder(message);
    decoder.pos = addressBytes;
    const type = decoding.readVarUint(decoder);
    switch (type) {
      case SYNC:
      case SYNC_REPLY:
        return readSync(decoder);
      case AWARENESS:
        return { kind: 'awareness', update: decoding.readVarUint8Array(decoder) };
      case AUTH:
        return readToken(decoder);
      case QUERY_AWARENESS:
        return { kind: 'query_awareness' };
      case STATELESS:
        return { kind: 'stateless', payload: decoding.readVarString(decoder) };
      case CLOSE:
        return { kind: 'close' };
      default:
        return { kind: 'other' };
    }
  } catch (cause) {
    throw malformed(cause);
  }
}

function readToken(decoder: decoding.Decoder): DocumentMessage {
  if (decoding.readVarUint(decoder) !== AUTH_TOKEN) return { kind: 'auth' };
  const token = decoding.readVarString(decoder);
  return { kind: 'token', token, version: decoding.hasContent(decoder) ? decoding.readVarString(decoder) : undefined };
}

export function isPing(message: Uint8Array): boolean {
  return message.byteLength === 1 && message[0] === PING;
}

export function isPong(message: Uint8Array): boolean {
  return message.byteLength === 1 && message[0] === PONG;
}

/** The socket's own: no name. */
export const PING_MESSAGE = new Message(Uint8Array.of(PING));
export const PONG_MESSAGE = new Message(Uint8Array.of(PONG));

/** The number is not y-protocols': there this kind asks for a token. */
export function deniedMessage(address: Uint8Array, reason: string): Message {
  return new Message(
    headed(address, (encoder) => {
      encoding.writeVarUint(encoder, AUTH);
      encoding.writeVarUint(encoder, AUTH_DENIED);
      encoding.writeVarString(encoder, reason);
    }),
  );
}

/** One update of the client's is durable, or (false) will never be. */
export function syncStatusMessage(address: Uint8Array, isSaved: boolean): Message {
  return new Message(Buffer.concat([address, Uint8Array.of(SYNC_STATUS, isSaved ? 1 : 0)]));
}

/** `payload`: in UTF-8. */
export function statelessMessage(address: Uint8Array, payload: Uint8Array): Message {
  return new Message(
    headed(address, (encoder) => {
      encoding.writeVarUint(encoder, STATELESS);
      encoding.writeVarUint8Array(encoder, payload);
    }),
  );
}

export function closeMessage(address: Uint8Array, reason: string): Message {
  return withText(address, CLOSE, reason);
}

/** Asks the client for the presence it knows of, its own included. */
export function queryAwarenessMessage(address: Uint8Array): Message {
  return new Message(Buffer.concat([address, Uint8Array.of(QUERY_AWARENESS)]));
}

/** Asks the client for a token, which it sends as it did the first. */
export function tokenRequestMessage(address: Uint8Array): Message {
  return new Message(Buffer.concat([address, Uint8Array.of(AUTH, AUTH_TOKEN)]));
}

function withText(address: Uint8Array, type: number, text: string): Message {
  return new Message(
    headed(address, (encoder) => {
      encoding.writeVarUint(encoder, type);
      encoding.writeVarString(encoder, text);
    }),
  );
}

function malformed(cause: unknown): StudioError {
  return new StudioError('UPDATE_MALFORMED', "That is not a message of Hocuspocus's protocol.", {}, { cause });
}
