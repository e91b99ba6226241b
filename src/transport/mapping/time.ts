import { timestampFromDate } from '@bufbuild/protobuf/wkt';
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
