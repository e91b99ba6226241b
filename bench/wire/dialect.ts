/** The two protocols of Yjs editors, as far as a client needs them that has no screen. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { messageYjsSyncStep1, messageYjsSyncStep2, messageYjsUpdate } from 'y-protocols/sync';

const SYNC = 0;
const AUTH = 2;
/** Hocuspocus's: as SYNC, from one who wants no step 1 in return. */
const SYNC_REPLY = 4;
const SYNC_STATUS = 8;
/** The studio's, with `?versions=1`. */
const SAVED = 100;
const AUTH_TOKEN = 0;
const AUTH_GRANTED = 2;

export type Incoming =
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  | { readonly kind: 'step2'; readonly update: Uint8Array }
  | { readonly kind: 'update'; readonly update: Uint8Array }
  /** An update of this client's is safe, or so the server says. */
  | { readonly kind: 'saved' }
  | { readonly kind: 'granted' }
  | { readonly kind: 'other' };

export interface Dialect {
  readonly name: 'y-websocket' | 'hocuspocus';
  /** Where the socket for a document is. `versions`: the studio is to make each update a version, and to say which. */
  url(base: string, room: string, token: string, versions: boolean): string;
  /** What has to be sent before anything else, and be answered by `granted`; undefined: the URL has said it. */
  hello(room: string, token: string): Uint8Array | undefined;
  step1(room: string, stateVector: Uint8Array): Uint8Array;
  step2(room: string, update: Uint8Array): Uint8Array;
  update(room: string, update: Uint8Array): Uint8Array;
  read(data: Uint8Array): Incoming;
}

export const Y_WEBSOCKET: Dialect = {
  name: 'y-websocket',
  url: (base, room, token, versions) => `${base}/${room}?token=${token}${versions ? '&versions=1' : ''}`,
  hello: () => undefined,
  step1: (_room, stateVector) => sync(undefined, messageYjsSyncStep1, stateVector),
  step2: (_room, update) => sync(undefined, messageYjsSyncStep2, update),
  update: (_room, update) => sync(undefined, messageYjsUpdate, update),
  read: (data) => read(decoding.createDecoder(data)),
};

export const HOCUSPOCUS: Dialect = {
  name: 'hocuspocus',
  url: (base, _room, _token, versions) => `${base}${versions ? '?versions=1' : ''}`,
  hello: (room, token) =>
    encoding.encode((encoder) => {
      encoding.writeVarString(encoder, room);
      encoding.writeVarUint(encoder, AUTH);
      encoding.writeVarUint(encoder, AUTH_TOKEN);
      encoding.writeVarString(encoder, token);
    }),
  step1: (room, stateVector) => sync(room, messageYjsSyncStep1, stateVector),
  step2: (room, update) => sync(room, messageYjsSyncStep2, update),
  update: (room, update) => sync(room, messageYjsUpdate, update),
  read: (data) => {
    const decoder = decoding.createDecoder(data);
    decoding.readVarString(decoder);
    return read(decoder);
  },
};

function sync(room: string | undefined, step: number, payload: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    if (room !== undefined) encoding.writeVarString(encoder, room);
    encoding.writeVarUint(encoder, SYNC);
    encoding.writeVarUint(encoder, step);
    encoding.writeVarUint8Array(encoder, payload);
  });
}

function read(decoder: decoding.Decoder): Incoming {
  if (!decoding.hasContent(decoder)) return { kind: 'other' };
  const type = decoding.readVarUint(decoder);
  if (type === SYNC || type === SYNC_REPLY) {
    const step = decoding.readVarUint(decoder);
    const payload = decoding.readVarUint8Array(decoder);
    if (step === messageYjsSyncStep1) return { kind: 'step1', stateVector: payload };
    return { kind: step === messageYjsSyncStep2 ? 'step2' : 'update', update: payload };
  }
  if (type === SYNC_STATUS) return { kind: decoding.readVarUint(decoder) === 1 ? 'saved' : 'other' };
  if (type === SAVED) return { kind: 'saved' };
  if (type === AUTH && decoding.readVarUint(decoder) === AUTH_GRANTED) return { kind: 'granted' };
  return { kind: 'other' };
}
