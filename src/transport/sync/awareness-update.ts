/** Awareness updates as y-protocols encodes them: per client its id, its clock, and its state as JSON (`null`: gone). */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { StudioError } from '../../errors.ts';

export interface AwarenessEntry {
  readonly clientId: number;
  readonly clock: number;
  /** JSON text. */
  readonly state: string;
}

export const GONE = 'null';

/** Throws UPDATE_MALFORMED: a state that is no JSON would throw in every other editor. */
export function readAwarenessUpdate(update: Uint8Array): AwarenessEntry[] {
  try {
    const decoder = decoding.createDecoder(update);
    const entries: AwarenessEntry[] = [];
    for (let left = decoding.readVarUint(decoder); left > 0; left -= 1) {
      const clientId = decoding.readVarUint(decoder);
      const clock = decoding.readVarUint(decoder);
      const state = decoding.readVarString(decoder);
      JSON.parse(state);
      entries.push({ clientId, clock, state });
    }
    return entries;
  } catch (cause) {
    throw new StudioError('UPDATE_MALFORMED', 'That is not an awareness update.', {}, { cause });
  }
}

export function writeAwarenessUpdate(entries: readonly AwarenessEntry[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length);
    for (const { clientId, clock, state } of entries) {
      encoding.writeVarUint(encoder, clientId);
      encoding.writeVarUint(encoder, clock);
      encoding.writeVarString(encoder, state);
    }
  });
}
