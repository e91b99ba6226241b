/** Messages of one document as a bare client of Hocuspocus's protocol sends them, and what it is sent of it. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as messages from '../../src/transport/sync/messages.ts';
import type { BareSocket } from './sync-world.ts';

const [AUTH, STATELESS, CLOSE, SYNC_STATUS] = [2, 5, 7, 8];

export class BareDocument {
  readonly #socket: BareSocket;
  readonly #address: Uint8Array;

  constructor(socket: BareSocket, name: string) {
    this.#socket = socket;
    this.#address = encoding.encode((to) => encoding.writeVarString(to, name));
  }

  token(token: string): Uint8Array {
    return this.#message(AUTH, (to) => {
      encoding.writeVarUint(to, 0);
      encoding.writeVarString(to, token);
      encoding.writeVarString(to, '4.8.0');
    });
  }

  stateless(payload: string): Uint8Array {
    return this.#message(STATELESS, (to) => encoding.writeVarString(to, payload));
  }

  close(): Uint8Array {
    return this.#message(CLOSE, (to) => encoding.writeVarString(to, 'provider detached'));
  }

  step1(stateVector = Uint8Array.of(0)): Uint8Array {
    return Uint8Array.from(messages.step1Message(this.#address, stateVector).toBytes());
  }

  step2(update: Uint8Array): Uint8Array {
    return Uint8Array.from(messages.step2Message(this.#address, update).toBytes());
  }

  update(update: Uint8Array): Uint8Array {
    return Uint8Array.from(messages.updateMessage(this.#address, update).toBytes());
  }

  send(...all: readonly Uint8Array[]): void {
    for (const message of all) this.#socket.socket.send(message);
  }

  /** How often it was asked for what the studio lacks. */
  get asked(): number {
    return this.#received(messages.SYNC, 0).length;
  }

  /** The states it was sent as answers. */
  get states(): Uint8Array[] {
    return this.#received(messages.SYNC, 1).map((decoder) => decoding.readVarUint8Array(decoder));
  }

  get acknowledged(): number {
    return this.#received(SYNC_STATUS, 1).length;
  }

  get refused(): number {
    return this.#received(SYNC_STATUS, 0).length;
  }

  get denied(): string[] {
    return this.#received(AUTH, 1).map((decoder) => decoding.readVarString(decoder));
  }

  /** The scopes it was granted. */
  get granted(): string[] {
    return this.#received(AUTH, messages.AUTH_GRANTED).map((decoder) => decoding.readVarString(decoder));
  }

  /** Reasons for which it was ended. */
  get ended(): string[] {
    return this.#received(CLOSE).map((decoder) => decoding.readVarString(decoder));
  }

  #message(type: number, write: (to: encoding.Encoder) => void): Uint8Array {
    return encoding.encode((to) => {
      encoding.writeUint8Array(to, this.#address);
      encoding.writeVarUint(to, type);
      write(to);
    });
  }

  /** Behind the address and these. */
  #received(...types: readonly number[]): decoding.Decoder[] {
    return this.#socket.messages.flatMap((message) => {
      if (!Buffer.from(message).subarray(0, this.#address.byteLength).equals(this.#address)) return [];
      const decoder = decoding.createDecoder(message);
      decoder.pos = this.#address.byteLength;
      return types.every((type) => decoding.readVarUint(decoder) === type) ? [decoder] : [];
    });
  }
}
