/** Messages as a bare y-websocket client sends them. */
import * as messages from '../../src/transport/sync/messages.ts';

export function step1Message(stateVector: Uint8Array): Uint8Array {
  return Uint8Array.from(messages.step1Message(messages.NO_ADDRESS, stateVector).toBytes());
}

export function step2Message(update: Uint8Array): Uint8Array {
  return Uint8Array.from(messages.step2Message(messages.NO_ADDRESS, update).toBytes());
}

export function updateMessage(update: Uint8Array): Uint8Array {
  return Uint8Array.from(messages.updateMessage(messages.NO_ADDRESS, update).toBytes());
}

export function permissionDeniedMessage(reason: string): Uint8Array {
  return Uint8Array.from(messages.permissionDeniedMessage(messages.NO_ADDRESS, reason).toBytes());
}

export function awarenessMessage(update: Uint8Array): Uint8Array {
  return Uint8Array.from(messages.awarenessMessage(messages.NO_ADDRESS, update).toBytes());
}
