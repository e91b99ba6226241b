/** Kills by SIGKILL, at random moments or at named ones, and whatever can go wrong between a studio and its database. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailpointName } from '../../src/failpoints.ts';
import type { Random } from '../harness/random.ts';
import type { Ledger } from './ledger.ts';
import type { Victim, World } from './world.ts';

/** Between two kills something must get done, on a machine of any speed: so much is acknowledged, or this is over. */
const ACKNOWLEDGED_BETWEEN_MAX = 60;
const PAUSE_MS_MAX = 10_000;
const PAUSE_STEP_MS = 20;
const DOWN_MS_MAX = 1_200;
const DISTURB_PAUSE_MS_MAX = 1_500;

/** Moments a studio under this load passes often, and how often at most before it dies there. */
const MOMENTS: readonly (readonly [FailpointName, number])[] = [
  ['commit.before_insert', 60],
  ['commit.after_insert', 60],
  ['head.before_write', 20],
  ['events.before_publish', 60],
];

export class Disturbances {
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #wanted: number;
  readonly #deadline: number;
  /** Each part is killed once before chance decides; NATS first, since what follows can be watched whole. */
  readonly #due: Victim[] = ['nats', 'mongodb'];
  readonly #restarts = new Set<Promise<void>>();
  #world: World | undefined;
  #stopping = false;
  kills = 0;

  constructor(options: {
    readonly random: Random;
    readonly ledger: Ledger;
    readonly kills: number;
    /** `performance.now()` after which nothing more is killed. */
    readonly deadline: number;
  }) {
    this.#random = options.random;
    this.#ledger = options.ledger;
    this.#wanted = options.kills;
    this.#deadline = options.deadline;
  }

  /** A studio died where it had been told to. */
  onDeath(index: number, failpoint: string): void {
    this.#count(`studio at ${failpoint.replace(/=.*/, '') || 'an unknown moment'}`);
    if (failpoint === '') this.#ledger.find(`studio ${index} ended by itself`);
    this.#bringBack(index);
  }

  async run(world: World): Promise<void> {
    this.#world = world;
    const disturbing = this.#disturb(world);
    while (this.kills < this.#wanted && performance.now() < this.#deadline) {
      await this.#pause();
      const victim = this.#due[0] ?? this.#pickVictim(world);
      if (!world.isUp(victim)) continue;
      this.#due.shift();
      this.#count(typeof victim === 'number' ? 'studio at a random moment' : victim);
      await world.kill(victim);
      this.#bringBack(victim);
    }
    this.#stopping = true;
    await disturbing;
    await this.#allBack();
    for (const [index, place] of world.places.entries()) {
      if (!place.isDoomed || !world.isUp(index)) continue;
      this.#count('studio at a random moment');
      await world.kill(index);
      this.#bringBack(index);
    }
    await this.#allBack();
  }

  /** Those that die at a named moment while we wait come back too. */
  async #allBack(): Promise<void> {
    while (this.#restarts.size > 0) await Promise.allSettled(this.#restarts);
  }

  async #pause(): Promise<void> {
    const wanted = this.#ledger.acknowledged.length + this.#random.int(0, ACKNOWLEDGED_BETWEEN_MAX);
    const until = performance.now() + PAUSE_MS_MAX;
    while (this.#ledger.acknowledged.length < wanted && performance.now() < until) await sleep(PAUSE_STEP_MS);
  }

  #pickVictim(world: World): Victim {
    // The last is a studio: a watch that has to begin anew after NATS still gets something to see.
    if (this.kills >= this.#wanted - 1 || this.#random.chance(0.5)) return this.#random.int(0, world.places.length);
    return this.#random.chance(0.55) ? 'mongodb' : 'nats';
  }

  #count(what: string): void {
    this.kills += 1;
    this.#ledger.count(`kills: ${what}`);
  }

  #bringBack(victim: Victim): void {
    const world = this.#world;
    if (!world) return;
    const restart = (async () => {
      await sleep(this.#random.int(0, DOWN_MS_MAX));
      await world.restart(victim, this.#failpoints());
    })();
    this.#restarts.add(restart);
    void restart
      .catch((error: unknown) => this.#ledger.find(`${String(victim)} did not come back: ${String(error)}`))
      .finally(() => this.#restarts.delete(restart));
  }

  #failpoints(): string | undefined {
    if (this.#stopping || this.kills >= this.#wanted - 1 || this.#random.chance(0.5)) return undefined;
    const [name, passages] = this.#random.pick(MOMENTS);
    return `${name}=kill@${this.#random.int(1, passages)}`;
  }

  async #disturb(world: World): Promise<void> {
    while (!this.#stopping) {
      await sleep(this.#random.int(0, DISTURB_PAUSE_MS_MAX));
      this.#ledger.count(`database connections: ${await world.disturb(this.#random)}`);
    }
  }
}
