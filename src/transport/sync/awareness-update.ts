/** Awareness updates as y-protocols encodes them: per client its id, its clock, and its state as JSON (`null`: gone). */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { nestsDeeper } from '../../domain/content/json-depth.ts';
import { StudioError } from '../../errors.ts';
import { AWARENESS_UPDATE_CLIENTS_MAX, CONTENT_DEPTH_MAX } from '../../limits.ts';

export interface AwarenessEntry {
  readonly clientId: number;
  readonly clock: number;
  /** JSON text. */
  readonly state: string;
  /** Whose it is, as far as the studio knows. Not told to clients. */
  readonly userId?: string;
}

export const GONE = 'null';

/** Throws UPDATE_MALFORMED. Whether the states are JSON is not looked at: most of what comes is an echo. */
export function readAwarenessUpdate(update: Uint8Array): AwarenessEntry[] {
  return readEntries(decoding.createDecoder(update));
}

/** As another process wrote it. One of an earlier version says of no entry whose it is. Throws UPDATE_MALFORMED. */
export function readRelayedUpdate(update: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(update);
  const entries = readEntries(decoder);
  try {
    return entries.map((entry) => {
      const userId = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : '';
      return userId === '' ? entry : { ...entry, userId };
    });
  } catch (cause) {
    throw malformed(cause);
  }
}

function readEntries(decoder: decoding.Decoder): AwarenessEntry[] {
  try {
    const entries: AwarenessEntry[] = [];
    let left = decoding.readVarUint(decoder);
    if (left > AWARENESS_UPDATE_CLIENTS_MAX) throw tooManyClients();
    for (; left > 0; left -= 1) {
      const clientId = decoding.readVarUint(decoder);
      const clock = decoding.readVarUint(decoder);
      const state = decoding.readVarString(decoder);
      entries.push({ clientId, clock, state });
    }
    return entries;
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    throw malformed(cause);
  }
}

/** Throws UPDATE_MALFORMED: a state that is no JSON would throw in every other editor. */
export function requireJson({ state }: AwarenessEntry): void {
  try {
    if (nestsDeeper(state, CONTENT_DEPTH_MAX)) throw new Error('nested too deep');
    JSON.parse(state);
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause: unknown): StudioError {
  return new StudioError('UPDATE_MALFORMED', 'That is not an awareness update.', {}, { cause });
}

function tooManyClients(): StudioError {
  return new StudioError('UPDATE_TOO_COMPLEX', 'The awareness update names too many clients.', {
    limit: 'AWARENESS_UPDATE_CLIENTS_MAX',
  });
}

export function writeAwarenessUpdate(entries: readonly AwarenessEntry[]): Uint8Array {
  return encoding.encode((encoder) => writeEntries(encoder, entries));
}

function writeEntries(encoder: encoding.Encoder, entries: readonly AwarenessEntry[]): void {
  encoding.writeVarUint(encoder, entries.length);
  for (const { clientId, clock, state } of entries) {
    encoding.writeVarUint(encoder, clientId);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, state);
  }
}

/** Whose each is comes behind them, where processes of an earlier version do not look. */
function writeRelayedUpdate(entries: readonly AwarenessEntry[]): Uint8Array {
  return encoding.encode((encoder) => {
    writeEntries(encoder, entries);
    for (const { userId = '' } of entries) encoding.writeVarString(encoder, userId);
  });
}

/** For other processes, in pieces of at most about `bytesMax`: what goes between them has a limit on its size. */
export function writeRelayedUpdates(entries: readonly AwarenessEntry[], bytesMax: number): Uint8Array[] {
  const updates: Uint8Array[] = [];
  let piece: AwarenessEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const length = (entry.state.length + (entry.userId?.length ?? 0)) * 3 + 16;
    if (piece.length > 0 && bytes + length > bytesMax) {
      updates.push(writeRelayedUpdate(piece));
      piece = [];
      bytes = 0;
    }
    piece.push(entry);
    bytes += length;
  }
  if (piece.length > 0) updates.push(writeRelayedUpdate(piece));
  return updates;
}
