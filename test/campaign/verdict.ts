/** After a campaign: everything that was promised is looked for, and whatever is missing is named. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { auditStudio } from '../../src/documents/audit/audit.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { eventually } from '../harness/eventually.ts';
import type { Random } from '../harness/random.ts';
import type { StudioClient } from '../harness/studio-client.ts';
import { INITIAL, isAccounted, tokensOf, type CampaignBlob } from './blobs.ts';
import type { Editor } from './editor.ts';
import type { EventWatch } from './event-watch.ts';
import { readStream } from './event-stream.ts';
import type { Acknowledged, CampaignRequest, Ledger } from './ledger.ts';
import { readLog, replay, type LoggedBlob } from './replay.ts';
import { isFinal } from './writer.ts';
import type { World } from './world.ts';

/** For the last edits to arrive everywhere, the leases of dead processes to lapse and their commits to be swept. */
const SETTLE_MS_MAX = 90_000;
const STREAM_READ_EVERY_MS = 1_000;
/** Each editor is looked at for so long, also when those before took all the time there was. */
const SETTLE_MS_MIN = 1_000;
const REPEATED_REQUESTS_MAX = 200;
const VERSIONS_READ_PER_BLOB_MAX = 12;
const CALL_TRIES_MAX = 20;
const EVENTS_NAMED_MAX = 50;
const DATABASE = 'studio';

export interface Evidence {
  readonly world: World;
  readonly blobs: readonly CampaignBlob[];
  readonly ledger: Ledger;
  readonly editors: readonly Editor[];
  readonly watch: EventWatch;
  readonly refused: readonly CampaignRequest[];
  readonly random: Random;
  readonly onProgress?: (line: string) => void;
}

export class Verdict {
  readonly #evidence: Evidence;
  readonly #ledger: Ledger;
  readonly #clients: readonly StudioClient[];
  readonly #logs = new Map<string, LoggedBlob>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    this.#ledger = evidence.ledger;
    this.#clients = evidence.world.places.map((_, index) => evidence.world.connect(index, 'grpc'));
  }

  /** Adds to the ledger's findings. */
  async reach(): Promise<void> {
    const { world, blobs } = this.#evidence;
    const say = (line: string): void => this.#evidence.onProgress?.(line);
    await this.#undeleteAll();
    say('do the editors agree with the studios?');
    await this.#settled();
    const database = await openDatabase({ url: world.parts.url('mongodb'), name: DATABASE });
    try {
      say('is everything in the log, once?');
      await this.#readLogs(database);
      this.#requireAcknowledged();
      this.#requireRefusedAbsent();
      say('does everything read like the log?');
      for (const blob of blobs) await this.#requireAgreement(blob);
      say('was every event delivered?');
      await this.#requireEvents(database);
      say('do repeated requests get their first answers?');
      await this.#requireIdempotence(database);
      say('what does the audit say?');
      await this.#requireCleanAudit();
    } finally {
      await database.close();
    }
  }

  /** What is deleted can be read by version only, and edited by nobody. */
  async #undeleteAll(): Promise<void> {
    for (const { kind, id } of this.#evidence.blobs) {
      if (kind === 'passing') await this.#call((client) => client.blobs.undeleteBlob({ id }));
    }
  }

  /** G3: editors and studios come to hold the same by themselves. */
  async #settled(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS_MAX;
    for (const editor of this.#evidence.editors) {
      const { id, kind } = editor.blob;
      await eventually(
        `an editor of ${id} agrees with the studio`,
        async () => {
          if (editor.closed !== undefined) throw new Error(`it was closed: ${editor.closed}`);
          if (!editor.synced) throw new Error('it is not synced');
          const content = await this.#read(id, 0);
          const own = editor.tokens();
          const theirs = tokensOf(kind, content);
          const sort = (tokens: string[]): string => (kind === 'json' ? tokens.sort() : tokens).join();
          if (sort(own) === sort(theirs)) return true;
          const [more, less] = [own.filter((one) => !theirs.includes(one)), theirs.filter((one) => !own.includes(one))];
          throw new Error(`it has ${own.length} tokens, ${more.length} of its own, and lacks ${less.length}`);
        },
        Math.max(SETTLE_MS_MIN, deadline - performance.now()),
      ).catch((error: unknown) => this.#ledger.find(String(error)));
      editor.settle();
    }
  }

  async #readLogs(database: Database): Promise<void> {
    const ids = new Set([
      ...this.#evidence.blobs.map(({ id }) => id),
      ...this.#ledger.acknowledged.map(({ request }) => request.blobId),
    ]);
    for (const id of ids) {
      const logged = await readLog(database, id);
      this.#logs.set(id, logged);
      this.#ledger.count('deltas in the log', logged.deltas.length);
      for (const problem of logged.problems) this.#ledger.find(`${id}: gap or repeat: ${problem}`);
      const requests = logged.deltas.flatMap(({ requestId }) => requestId ?? []);
      // A batch is one request of several deltas.
      const own = this.#ledger.acknowledged.filter(({ request }) => request.blobId === id && request.kind === 'batch');
      const batches = new Set(own.map(({ request }) => request.requestId));
      const repeats = requests.filter((one, index) => requests.indexOf(one) !== index && !batches.has(one));
      for (const repeat of repeats) this.#ledger.find(`${id}: request ${repeat} is in the log twice`);
    }
  }

  /** G1: each acknowledged delta is where its answer said. */
  #requireAcknowledged(): void {
    for (const { request, deltas } of this.#ledger.acknowledged) {
      for (const { id, version } of deltas) {
        const logged = this.#logs.get(request.blobId)?.deltas[version - 1];
        if (logged?.id === id) continue;
        const there = logged ? `${logged.id} of ${logged.requestId}` : 'nothing';
        this.#ledger.find(`LOST: ${request.requestId} (${request.kind}) on ${request.blobId} v${version}: ${there}`);
      }
    }
  }

  #requireRefusedAbsent(): void {
    for (const { blobId, requestId, kind } of this.#evidence.refused) {
      const logged = this.#logs.get(blobId)?.deltas.find((delta) => delta.requestId === requestId);
      if (logged) this.#ledger.find(`${kind} ${requestId} was refused and is in the log of ${blobId}`);
    }
  }

  async #requireAgreement(blob: CampaignBlob): Promise<void> {
    const logged = this.#logs.get(blob.id);
    if (!logged) return;
    const readings = (this.#ledger.readings.get(blob.id) ?? []).filter(Boolean);
    const { at, head } = replay(logged, new Set(readings.map(({ version }) => version)));
    for (let index = 0; index < this.#clients.length; index++) {
      const content = comparable(blob, await this.#read(blob.id, index));
      if (content !== head) this.#ledger.find(`DIVERGED: studio ${index} reads ${blob.id} unlike its log`);
    }
    for (const { version, content } of readings) {
      if (comparable(blob, content) !== at.get(version)) {
        this.#ledger.find(`${blob.id} v${version} was read unlike the log has it`);
      }
    }
    for (const { version, content } of this.#evidence.random.shuffle(readings).slice(0, VERSIONS_READ_PER_BLOB_MAX)) {
      const again = await this.#read(blob.id, this.#evidence.random.int(0, this.#clients.length), version);
      if (again !== content) this.#ledger.find(`${blob.id} v${version} reads otherwise than it did then`);
    }
    if (isAccounted(blob.kind)) this.#requireEffects(blob, head);
  }

  /** Every token that was acknowledged, shown or typed by who stayed is there once; none that was deleted is. */
  #requireEffects(blob: CampaignBlob, head: string): void {
    const own = this.#ledger.acknowledged.filter(({ request }) => request.blobId === blob.id);
    const surely = this.#ledger.edits('surely', blob.id);
    const perhaps = this.#ledger.edits('perhaps', blob.id);
    const deleted = new Set([...own.flatMap(({ request }) => request.effect.deleted), ...surely.deleted]);
    const perhapsDeleted = new Set(perhaps.deleted);
    const due = [
      ...own.flatMap(({ request }) => request.effect.inserted),
      ...surely.inserted,
      ...this.#ledger.tokens(this.#ledger.shown, blob.id),
      ...tokensOf(blob.kind, INITIAL[blob.kind]),
    ];
    const present = tokensOf(blob.kind, head);
    const there = new Set(present);
    this.#ledger.count('effects looked for', new Set(due).size);
    if (there.size !== present.length)
      this.#ledger.find(`${blob.id}: ${present.length - there.size} tokens are doubled`);
    const lost = [...new Set(due)].filter((one) => !there.has(one) && !deleted.has(one) && !perhapsDeleted.has(one));
    if (lost.length > 0) this.#ledger.find(`LOST: ${lost.length} effects on ${blob.id}: ${lost.slice(0, 5).join(' ')}`);
    const back = [...deleted].filter((one) => there.has(one));
    if (back.length > 0) this.#ledger.find(`${blob.id}: ${back.length} deleted tokens are there`);
  }

  /** G5: from the consumer that was there all along, and from the stream as it is now. */
  async #requireEvents(database: Database): Promise<void> {
    const due = [...this.#logs].flatMap(([id, { deltas }]) => deltas.map(({ toVersion }) => `${id}:${toVersion}`));
    const missing = (seen: ReadonlySet<string>): string[] => due.filter((one) => !seen.has(one));
    const deadline = performance.now() + SETTLE_MS_MAX;
    const { watch, world } = this.#evidence;
    const watched = (): string[] =>
      [...this.#logs].flatMap(([id, { deltas }]) =>
        deltas
          .filter(({ appliedAt }) => appliedAt.getTime() > watch.wholeSinceMs)
          .map(({ toVersion }) => `${id}:${toVersion}`),
      );
    const notSeen = (): string[] => watched().filter((one) => !watch.seen.has(one));
    while (notSeen().length > 0 && performance.now() < deadline) await sleep(200);
    const unseen = notSeen();
    this.#ledger.count('events watched whole', watched().length);
    if (unseen.length > 0) this.#ledger.find(`${unseen.length} events never seen: ${unseen.slice(0, 5).join(', ')}`);
    // A NATS that was killed lacks what it had acknowledged last, though the watch has seen it, until that is swept.
    let absent: string[];
    for (;;) {
      absent = missing(await readStream(world.parts.url('nats')));
      if (absent.length === 0 || performance.now() > deadline) break;
      await sleep(STREAM_READ_EVERY_MS);
    }
    if (absent.length > 0) this.#ledger.find(`${absent.length} not in the stream: ${this.#whose(absent)}`);
    // Whose they are, and how far it has got, tells which of publisher and sweep left them out.
    if (absent.length > 0) {
      const leases = await database.db.collection('committers').find().toArray();
      for (const lease of leases) this.#ledger.find(`lease ${JSON.stringify(lease)}`);
    }
    this.#ledger.count('events due', due.length);
  }

  /** Which processes committed these. */
  #whose(events: readonly string[]): string {
    const ids = events.map((one) => {
      const [blobId = '', version] = one.split(':');
      return `${one} ${this.#logs.get(blobId)?.deltas[Number(version) - 1]?.id}`;
    });
    return ids.slice(0, EVENTS_NAMED_MAX).join(', ');
  }

  /** G4: those that had to be tried again first. */
  async #requireIdempotence(database: Database): Promise<void> {
    const made = this.#ledger.acknowledged.filter(isItsOwn);
    const { random } = this.#evidence;
    const chosen = [
      ...random.shuffle(made.filter(({ tries }) => tries > 1)),
      ...random.shuffle(made.filter(({ tries }) => tries === 1)),
    ].slice(0, REPEATED_REQUESTS_MAX);
    for (const { request, deltas } of chosen) {
      this.#ledger.count('requests sent again');
      const again = await this.#call((client) => request.send(client));
      const same = again.map(({ id }) => id).join() === deltas.map(({ id }) => id).join();
      if (!same)
        this.#ledger.find(`${request.kind} ${request.requestId} sent again gave ${again.map(({ id }) => id).join()}`);
    }
    for (const [id, before] of this.#logs) {
      const { deltas } = await readLog(database, id);
      if (deltas.length !== before.deltas.length) {
        this.#ledger.find(`${id}: ${deltas.length - before.deltas.length} more deltas from repeated requests`);
      }
    }
  }

  /** Of everything that is stored, heads, checkpoints and attribution included. */
  async #requireCleanAudit(): Promise<void> {
    const report = await auditStudio({
      url: this.#evidence.world.parts.url('mongodb'),
      database: DATABASE,
      logger: pino({ level: 'silent' }),
      onFinding: ({ level, blobId, kind, text }) => {
        if (level === 'difference') this.#ledger.find(`AUDIT: ${blobId}: ${kind}: ${text}`);
        else this.#ledger.count(`audit: ${level}`);
      },
    });
    this.#ledger.count('blobs audited', report.blobs);
  }

  async #read(id: string, studio: number, version?: number): Promise<string> {
    const { blob } = await this.#call(
      (client) => client.blobs.getBlob({ id, version: version === undefined ? undefined : BigInt(version) }),
      studio,
    );
    const isBinary = blob?.contentType === 'application/octet-stream';
    return Buffer.from(blob?.content ?? []).toString(isBinary ? 'base64' : 'utf8');
  }

  /** Nothing is being killed any more, but what was may still be finding its way back. */
  async #call<T>(call: (client: StudioClient) => Promise<T>, studio?: number): Promise<T> {
    for (let tries = 1; ; tries++) {
      const client = this.#clients[studio ?? tries % this.#clients.length];
      if (!client) throw new Error(`There is no studio ${studio}.`);
      try {
        return await call(client);
      } catch (error) {
        if (isFinal(error) || tries === CALL_TRIES_MAX) throw error;
        await sleep(200);
      }
    }
  }
}

/** Not one that brought nothing and was answered with what was there. */
function isItsOwn({ request, deltas }: Acknowledged): boolean {
  return deltas.length > 0 && deltas.every(({ requestId }) => requestId === request.requestId);
}

/** As readCanonical gives it: of binary content the hash. */
function comparable(blob: CampaignBlob, content: string): string {
  if (blob.kind !== 'binary') return content;
  return createHash('sha256').update(Buffer.from(content, 'base64')).digest('hex');
}
