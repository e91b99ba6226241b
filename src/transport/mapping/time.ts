import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { StudioError } from '../../errors.ts';
import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';

export function timestampOf(date: Date): Timestamp;
export function timestampOf(date: Date | undefined): Timestamp | undefined;
export function timestampOf(date: Date | undefined): Timestamp | undefined {
  return date && timestampFromDate(date);
}

/** Rounded up, so that no positive duration becomes 0, which means the default. */
export function millisecondsOf(duration: Duration | undefined): number {
  return duration ? Number(duration.seconds) * 1_000 + Math.ceil(duration.nanos / 1_000_000) : 0;
}

/** The last millisecond that is not after the moment. Throws FIELD_INVALID for what is no time RFC 3339 can write. */
export function dateAtOrBefore(timestamp: Timestamp, field: string): Date {
  return new Date(secondsOf(timestamp, field) * 1_000 + Math.floor(timestamp.nanos / 1_000_000));
}

/** The first millisecond that is not before the moment. */
export function dateAtOrAfter(timestamp: Timestamp, field: string): Date {
  return new Date(secondsOf(timestamp, field) * 1_000 + Math.ceil(timestamp.nanos / 1_000_000));
}

const YEAR_1_SECONDS = -62_135_596_800n;
const YEAR_9999_SECONDS = 253_402_300_799n;

function secondsOf({ seconds, nanos }: Timestamp, field: string): number {
  const isTime = seconds >= YEAR_1_SECONDS && seconds <= YEAR_9999_SECONDS && nanos >= 0 && nanos < 1_000_000_000;
  if (isTime) return Number(seconds);
  throw new StudioError('FIELD_INVALID', `${field} must be a time from year 1 to 9999.`, {
    field,
    rule: 'timestamp.valid',
  });
}
