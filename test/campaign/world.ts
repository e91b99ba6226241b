/** The parts and the studios of a campaign, each of which can be killed and comes back where it was. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCutProxy, type CutProxy } from '../harness/cut-proxy.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { freePort } from '../harness/ports.ts';
import type { Random } from '../harness/random.ts';
import { connectAs, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';

export const USER = 'ann';
const RESTART_PAUSE_MS = 250;
/** Restarts that fail in a row because what they need is down as well. */
const RESTART_TRIES_MAX = 60;

/** One `studio serve`, over all its lives. */
export interface Place {
  readonly ports: { readonly port: number; readonly grpcPort: number };
  /** `ws://127.0.0.1:<port>` */
  readonly socketAddress: string;
  /** Absent: it reaches MongoDB directly. */
  readonly proxy?: CutProxy;
  studio: TestStudio | undefined;
  /** It will die by itself. */
  isDoomed: boolean;
}

export type Victim = 'mongodb' | 'nats' | number;

type OnDeath = (index: number, failpoint: string) => void;

export class World {
  readonly parts: TestParts;
  readonly places: Place[] = [];
  readonly token: string;
  #ending = false;
  readonly #onDeath: OnDeath;

  private constructor(parts: TestParts, token: string, onDeath: OnDeath) {
    this.parts = parts;
    this.token = token;
    this.#onDeath = onDeath;
  }

  /** `onDeath`: a studio ended at its failpoint. */
  static async start(studios: number, onDeath: OnDeath): Promise<World> {
    const parts = await startParts({ mongodb: true, nats: true });
    try {
      const { signToken } = await import('../../src/transport/auth/tokens.ts');
      const world = new World(parts, await signToken(parts.jwtSecret, { userId: USER }), onDeath);
      for (let index = 0; index < studios; index++) {
        const ports = { port: await freePort(), grpcPort: await freePort() };
        // The last one has no proxy: one process whose connections nobody cuts but the kills.
        const proxy = index < studios - 1 || studios === 1 ? await startCutProxy(parts.url('mongodb')) : undefined;
        world.places.push({
          ports,
          proxy,
          socketAddress: `ws://127.0.0.1:${ports.port}`,
          studio: undefined,
          isDoomed: false,
        });
      }
      await Promise.all(world.places.map((_, index) => world.startStudio(index)));
      return world;
    } catch (error) {
      await parts.stop();
      throw error;
    }
  }

  /** A client of one place; it finds every later life of it. */
  connect(index: number, protocol: 'connect' | 'grpc'): StudioClient {
    const { port, grpcPort } = this.place(index).ports;
    return connectAs(`http://127.0.0.1:${protocol === 'grpc' ? grpcPort : port}`, this.token, protocol);
  }

  place(index: number): Place {
    const place = this.places[index];
    if (!place) throw new Error(`There is no studio ${index}.`);
    return place;
  }

  isUp(victim: Victim): boolean {
    return typeof victim === 'number' ? this.place(victim).studio !== undefined : !this.#downParts.has(victim);
  }

  readonly #downParts = new Set<Victim>();

  /** SIGKILL. */
  async kill(victim: Victim): Promise<void> {
    if (typeof victim !== 'number') {
      this.#downParts.add(victim);
      await this.parts.kill(victim);
      return;
    }
    const { studio } = this.place(victim);
    this.place(victim).studio = undefined;
    await studio?.kill();
  }

  async restart(victim: Victim, failpoints?: string): Promise<void> {
    for (let tries = 1; !this.#ending; tries++) {
      try {
        if (typeof victim === 'number') await this.startStudio(victim, failpoints);
        else {
          await this.parts.restart(victim);
          this.#downParts.delete(victim);
        }
        return;
      } catch (error) {
        if (tries >= RESTART_TRIES_MAX) throw error;
        await sleep(RESTART_PAUSE_MS);
      }
    }
  }

  async startStudio(index: number, failpoints?: string): Promise<void> {
    const place = this.place(index);
    const studio = await startStudio({
      parts: this.parts,
      ports: place.ports,
      failpoints,
      env: {
        // Needed to start, and never asked.
        STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1',
        STUDIO_LOG_LEVEL: 'warn',
        ...(place.proxy ? { STUDIO_MONGODB_URL: place.proxy.url } : {}),
      },
    });
    place.studio = studio;
    place.isDoomed = failpoints !== undefined;
    const died = (): void => {
      if (this.#ending || place.studio !== studio) return;
      place.studio = undefined;
      this.#onDeath(index, failpoints ?? '');
    };
    void studio.exited.then(died);
  }

  /** Something between the studios and their database, for a moment. */
  async disturb(random: Random): Promise<string> {
    const { proxy } = random.pick(this.places.filter((place) => place.proxy));
    if (!proxy) return 'nothing';
    const what = random.pick(['reply', 'reply', 'request', 'cut', 'silence'] as const);
    const match = { command: 'insert', collection: 'commits' };
    // Not waited for: after a kill there may be no such command for a while.
    if (what === 'reply') void proxy.dropReply(match);
    else if (what === 'request') void proxy.dropRequest(match);
    else if (what === 'cut') proxy.cutAll();
    else {
      proxy.pause();
      await sleep(random.int(50, 800));
      proxy.resume();
    }
    return what;
  }

  /** What each studio said last, for when there is something to explain. */
  logs(): string {
    return this.places.map(({ studio }, index) => `── studio ${index}\n${studio?.logs() ?? ''}`).join('\n');
  }

  async stop(): Promise<void> {
    this.#ending = true;
    const ended = await Promise.allSettled(this.places.flatMap(({ studio }) => (studio ? [studio.stop()] : [])));
    await Promise.all(this.places.flatMap(({ proxy }) => (proxy ? [proxy.close()] : [])));
    await this.parts.stop();
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
  }
}
