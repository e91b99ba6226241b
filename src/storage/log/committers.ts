/** One entry per studio process: its lease, and how far the events of its commits have been published. */
import { type Collection, type Db } from 'mongodb';
import { COMMITTER_LEASE_MS } from '../../limits.ts';

interface CommitterDocument {
  _id: string;
  /** Every commit up to this one of its numbering has its events in the stream. */
  low: number;
  /** Where that stood PUBLISH_AGAIN_MS ago: what was published since the stream may have lost, if `ground` is another. */
  again?: number;
  /** What they were published on. */
  ground?: string;
  lease_until: Date;
  sweeper_until?: Date;
}

export interface LapsedCommitter {
  readonly name: string;
  readonly low: number;
  readonly again: number;
  readonly ground: string | undefined;
  readonly lapsedAt: Date;
}

/** Where `low` stood PUBLISH_AGAIN_MS ago, and what NATS it is of. */
export interface Grounds {
  readonly again?: number;
  readonly ground?: string | undefined;
}

export class Committers {
  readonly #committers: Collection<CommitterDocument>;

  constructor(db: Db) {
    this.#committers = db.collection('committers');
  }

  /** Renews the lease. Made anew if a sweep took this process for dead and ended with it. */
  async renew(name: string, low: number, grounds: Grounds = {}): Promise<void> {
    await this.#set(name, low, grounds, new Date(Date.now() + COMMITTER_LEASE_MS));
  }

  /** Ends the lease at once, so that others publish what is left. Made anew likewise. */
  async abandon(name: string, low: number, grounds: Grounds = {}): Promise<void> {
    await this.#set(name, low, grounds, new Date());
  }

  async #set(name: string, low: number, { again = low, ground }: Grounds, until: Date): Promise<void> {
    const known = ground === undefined ? {} : { ground };
    await this.#committers.updateOne(
      { _id: name },
      { $set: { low, again, ...known, lease_until: until } },
      { upsert: true },
    );
  }

  /** By the process itself: nothing is left to publish, nor may be lost. */
  async remove(name: string): Promise<void> {
    await this.#committers.deleteOne({ _id: name });
  }

  /** By a sweep. Not one that was only cut off, and has renewed its lease meanwhile. */
  async removeLapsed(name: string): Promise<void> {
    await this.#committers.deleteOne({ _id: name, lease_until: { $lt: new Date() } });
  }

  /** The latest first: of the others most has been published before. */
  async lapsed(): Promise<LapsedCommitter[]> {
    const found = await this.#committers.find({ lease_until: { $lt: new Date() } }).toArray();
    return found
      .map(({ _id: name, low, again = low, ground, lease_until: lapsedAt }) => ({ name, low, again, ground, lapsedAt }))
      .sort((a, b) => b.lapsedAt.getTime() - a.lapsedAt.getTime());
  }

  /** For one whose lease has lapsed: everything up to `low` has its events now. */
  async moveLow(name: string, low: number): Promise<void> {
    await this.#committers.updateOne({ _id: name, lease_until: { $lt: new Date() } }, { $max: { low } });
  }

  /** Likewise: and this is what NATS it is of. */
  async moveTo(name: string, ground: string): Promise<void> {
    await this.#committers.updateOne({ _id: name, lease_until: { $lt: new Date() } }, { $set: { ground } });
  }

  /** One sweeper at a time; two would do no harm but double the events. */
  async claimSweep(name: string): Promise<boolean> {
    const now = new Date();
    const result = await this.#committers.updateOne(
      {
        _id: name,
        lease_until: { $lt: now },
        $or: [{ sweeper_until: { $exists: false } }, { sweeper_until: { $lt: now } }],
      },
      { $set: { sweeper_until: new Date(now.getTime() + COMMITTER_LEASE_MS) } },
    );
    return result.matchedCount === 1;
  }
}
