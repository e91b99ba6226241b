/**
 * Every bound of the studio that is not a setting, in one place (G7). Units come last in the names.
 * Over a limit there is an error that names it: `LIMIT_EXCEEDED` with `metadata.limit`, or the reason given beside it.
 */
export * from './limits/requests.ts';
export * from './limits/content.ts';
export * from './limits/commits.ts';
export * from './limits/history.ts';
export * from './limits/events.ts';
export * from './limits/live-sessions.ts';
export * from './limits/derivation.ts';
export * from './limits/process.ts';
