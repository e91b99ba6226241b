/** Each limit of what may come in a second, by itself and low: for the tests of every door. */
import type { EditorLimits } from '../../src/transport/sync/editor-hub.ts';

const few = { messagesPerSecond: 50, bytesPerSecond: 1e9 };
const thin = { messagesPerSecond: 1_000_000, bytesPerSecond: 1_000 };

export const RATE_CASES: readonly Partial<EditorLimits>[] = [
  { connectionRate: few },
  { documentRate: few },
  { userRate: few },
  { connectionRate: thin },
  { documentRate: thin },
  { userRate: thin },
];
/** Of 20 bytes and more: three seconds and the burst at least, whichever is counted. */
export const RATE_UPDATES = 200;
