/** What the deltas of a fixed range of versions brought, and who made them when: some ten bytes a version when stored. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import type { Delta, Operation } from '../delta.ts';

/** A delta without its content. */
export interface VersionFact extends Pick<Delta, 'toVersion' | 'userId' | 'providerId' | 'operation' | 'appliedAt'> {
  /** The first version of its commit. */
  readonly commit: number;
}

/** Clocks of one client that came with one delta. */
export interface BroughtClocks {
  readonly version: number;
  readonly client: number;
  readonly start: number;
  readonly end: number;
}

const FORMAT = 1;
/** Blocks that follow one another, each as it was encoded. */
const JOINED = 2;
/** By the number they are stored as: only ever added to. */
const OPERATIONS: readonly Operation[] = ['create', 'update', 'transform', 'delete', 'undelete', 'revert'];

export class OriginBlock {
  /** The version before its first. */
  readonly after: number;
  readonly facts: readonly VersionFact[];
  readonly clocks: readonly BroughtClocks[];

  constructor(after: number, facts: readonly VersionFact[], clocks: readonly BroughtClocks[]) {
    this.after = after;
    this.facts = facts;
    this.clocks = clocks;
  }

  /** Of ascending deltas above `after`; where the log lacks some there are fewer. */
  static of(after: number, deltas: readonly Delta[], commitOf: (delta: Delta) => number): OriginBlock {
    const clocks: BroughtClocks[] = [];
    for (const { toVersion, updates } of deltas) {
      for (const update of updates) {
        const { from, to } = Y.parseUpdateMeta(update);
        for (const [client, end] of to) {
          const start = from.get(client) ?? 0;
          if (start < end) clocks.push({ version: toVersion, client, start, end });
        }
      }
    }
    const facts = deltas.map((delta): VersionFact => {
      const { toVersion, userId, providerId, operation, appliedAt } = delta;
      return { toVersion, userId, providerId, operation, appliedAt, commit: commitOf(delta) };
    });
    return new OriginBlock(after, facts, clocks);
  }

  /** One block of blocks that follow one another. */
  static follow(after: number, blocks: readonly OriginBlock[]): OriginBlock {
    return new OriginBlock(
      after,
      blocks.flatMap(({ facts }) => facts),
      blocks.flatMap(({ clocks }) => clocks),
    );
  }

  /** One block, encoded, of encoded blocks that follow one another. */
  static join(blocks: readonly Uint8Array[]): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, JOINED);
    encoding.writeVarUint(encoder, blocks.length);
    for (const block of blocks) encoding.writeVarUint8Array(encoder, block);
    return encoding.toUint8Array(encoder);
  }

  encode(): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, FORMAT);
    encoding.writeVarUint(encoder, this.after);
    const spelled = spellAuthors(this.facts);
    const authors = numbered(spelled);
    encoding.writeVarString(encoder, JSON.stringify([...authors.keys()]));
    encoding.writeVarUint(encoder, this.facts.length);
    let version = this.after;
    let time = 0;
    for (const [index, fact] of this.facts.entries()) {
      const at = fact.appliedAt.getTime();
      const author = authors.get(spelled[index] ?? '') ?? 0;
      encoding.writeVarUint(encoder, fact.toVersion - version);
      encoding.writeVarUint(encoder, author * 16 + OPERATIONS.indexOf(fact.operation));
      encoding.writeVarUint(encoder, fact.toVersion - fact.commit);
      encoding.writeVarInt(encoder, at - time);
      version = fact.toVersion;
      time = at;
    }
    this.#encodeClocks(encoder);
    return encoding.toUint8Array(encoder);
  }

  #encodeClocks(encoder: encoding.Encoder): void {
    const clients = numbered(this.clocks.map(({ client }) => client));
    encoding.writeVarUint(encoder, clients.size);
    for (const client of clients.keys()) encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, this.clocks.length);
    const ends = new Map<number, number>();
    let before = this.after;
    for (const { version, client, start, end } of this.clocks) {
      encoding.writeVarUint(encoder, version - before);
      encoding.writeVarUint(encoder, clients.get(client) ?? 0);
      encoding.writeVarInt(encoder, start - (ends.get(client) ?? 0));
      encoding.writeVarUint(encoder, end - start);
      ends.set(client, end);
      before = version;
    }
  }

  /** Undefined for bytes of another format, or damaged ones: such a block is made anew from the log. */
  static decode(bytes: Uint8Array): OriginBlock | undefined {
    try {
      return OriginBlock.#decode(bytes);
    } catch {
      return undefined;
    }
  }

  static #decode(bytes: Uint8Array): OriginBlock | undefined {
    const decoder = decoding.createDecoder(bytes);
    const format = decoding.readVarUint(decoder);
    if (format === JOINED) return decodeJoined(decoder);
    if (format !== FORMAT) return undefined;
    const after = decoding.readVarUint(decoder);
    const authors = (JSON.parse(decoding.readVarString(decoder)) as string[]).map(readAuthor);
    const facts: VersionFact[] = [];
    let toVersion = after;
    let time = 0;
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      toVersion += decoding.readVarUint(decoder);
      const kind = decoding.readVarUint(decoder);
      const commit = toVersion - decoding.readVarUint(decoder);
      time += decoding.readVarInt(decoder);
      const author = authors[Math.floor(kind / 16)];
      const operation = OPERATIONS[kind % 16];
      if (!author || !operation) return undefined;
      facts.push({ ...author, toVersion, operation, commit, appliedAt: new Date(time) });
    }
    return new OriginBlock(after, facts, decodeClocks(decoder, after));
  }
}

function decodeJoined(decoder: decoding.Decoder): OriginBlock | undefined {
  const blocks: OriginBlock[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const block = OriginBlock.decode(decoding.readVarUint8Array(decoder));
    if (!block) return undefined;
    blocks.push(block);
  }
  return blocks[0] && OriginBlock.follow(blocks[0].after, blocks);
}

function decodeClocks(decoder: decoding.Decoder, after: number): BroughtClocks[] {
  const clients = Array.from({ length: decoding.readVarUint(decoder) }, () => decoding.readVarUint(decoder));
  const ends = new Map<number, number>();
  const clocks: BroughtClocks[] = [];
  let version = after;
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    version += decoding.readVarUint(decoder);
    const client = clients[decoding.readVarUint(decoder)] ?? 0;
    const start = (ends.get(client) ?? 0) + decoding.readVarInt(decoder);
    const end = start + decoding.readVarUint(decoder);
    clocks.push({ version, client, start, end });
    ends.set(client, end);
  }
  return clocks;
}

/** Few people make many deltas. */
function spellAuthors(facts: readonly VersionFact[]): string[] {
  const known = new Map<string, string>();
  return facts.map(({ userId, providerId }) => {
    if (providerId !== undefined) return JSON.stringify([userId, providerId]);
    let spelled = known.get(userId);
    if (spelled === undefined) known.set(userId, (spelled = JSON.stringify([userId])));
    return spelled;
  });
}

function readAuthor(spelled: string): { userId: string; providerId?: string } {
  const [userId = '', providerId] = JSON.parse(spelled) as string[];
  return { userId, providerId };
}

function numbered<T>(values: readonly T[]): Map<T, number> {
  const numbers = new Map<T, number>();
  for (const value of values) if (!numbers.has(value)) numbers.set(value, numbers.size);
  return numbers;
}
