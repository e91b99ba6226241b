import { StudioError } from '../errors.ts';
import { PAGE_TOKEN_CHARACTERS_MAX } from '../limits.ts';

/** A place in the stream, bound to the stream's creation: in another stream the same number means something else. */
export interface StreamPosition {
  readonly created: string;
  readonly seq: number;
}

export function encodeCursor(position: StreamPosition): string {
  return Buffer.from(JSON.stringify([position.created, position.seq])).toString('base64url');
}

/** The numbers of what the stream holds: of an empty one, the first is the one that comes next. */
export interface StreamSpan {
  readonly first_seq: number;
  readonly last_seq: number;
}

/** G6: throws where the stream can't go on right after `seq`, rather than leave out what lies between. */
export function requireHeld(seq: number, { first_seq: first, last_seq: last }: StreamSpan): void {
  const why =
    seq + 1 < first
      ? 'The event stream no longer holds all that came after that cursor'
      : // JetStream acknowledges before the disk has it; what takes the lost numbers is something else.
        seq > last
        ? 'The event stream has lost its end since that cursor'
        : undefined;
  if (why === undefined) return;
  throw new StudioError('CURSOR_INVALID', `${why}; start without one and compare versions.`, { field: 'cursor' });
}

export function decodeCursor(cursor: string, created: string): number {
  let decoded: unknown;
  try {
    if (cursor.length <= PAGE_TOKEN_CHARACTERS_MAX)
      decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    decoded = undefined;
  }
  if (
    !Array.isArray(decoded) ||
    typeof decoded[0] !== 'string' ||
    !Number.isSafeInteger(decoded[1]) ||
    Number(decoded[1]) < 0
  ) {
    throw new StudioError('CURSOR_INVALID', 'cursor must be the cursor of an event received before.', {
      field: 'cursor',
    });
  }
  if (decoded[0] !== created) {
    throw new StudioError(
      'CURSOR_INVALID',
      'The event stream was made anew since that cursor; start without one and compare versions.',
      {
        field: 'cursor',
      },
    );
  }
  return Number(decoded[1]);
}
