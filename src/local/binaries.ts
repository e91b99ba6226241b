import type { PartName } from './contract.ts';

/** What a part is run with when it is on PATH, in the order they are looked for. */
export const BINARIES = {
  mongodb: ['mongod', 'secantusd-rs'],
  nats: ['nats-server'],
  temporal: ['temporal'],
} as const satisfies Readonly<Record<PartName, readonly string[]>>;
