/** G1, G2, G3, G4 of one round: the log, every process, every client and the audit hold one and the same. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../src/domain/content/document.ts';
import { readLog, replay, type LoggedBlob } from '../campaign/replay.ts';
import type { Random } from '../harness/random.ts';
import type { Account } from './account.ts';
import { shapeOfKind, tokensIn, type RoundKind } from './kinds.ts';
import { patiently } from './patience.ts';
import type { RoundWorld, StudioProcess } from './studio-process.ts';
import { OWNER } from './users.ts';
import type { YjsClient } from './yjs-client.ts';

const VERSIONS_READ_AGAIN = 3;

export interface Settled {
  readonly world: RoundWorld;
  readonly kind: RoundKind;
  readonly blobId: string;
  readonly account: Account;
  /** The last one has just been started: it knows what is stored and nothing else. */
  readonly processes: readonly StudioProcess[];
  readonly clients: readonly YjsClient[];
  readonly random: Random;
}

export async function requireAgreement(settled: Settled): Promise<void> {
  const { world, kind, blobId, account, processes, clients, random } = settled;
  const logged = await readLog(world.database, blobId);
  assert.equal(logged.problems, [], 'seqs have no gap and no repeat');
  const { at, head } = replay(logged, new Set(account.readings.keys()));
  account.head = head;
  account.versions = logged.deltas.length;
  assert.is(replayAtOnce(logged, kind), head, 'the log played at once, collecting garbage');
  for (const [index, process] of processes.entries()) {
    assert.is(await read(process, settled), head, `process ${index} reads like the log`);
  }
  requirePushed(logged, account);
  for (const client of clients) {
    const content = Buffer.from(readCanonical(client.editor.doc, kind.contentType)).toString('utf8');
    const but = content === head ? [] : [lacking(logged, client), ...account.problems];
    assert.is(content, head, `client ${client.describe()} has what the log has, but for ${but.join('\n')}`);
  }
  for (const [version, content] of account.readings) {
    assert.is(comparable(kind, content), at.get(version), `version ${version} was read like the log has it`);
  }
  for (const [version, content] of random.shuffle([...account.readings]).slice(0, VERSIONS_READ_AGAIN)) {
    assert.is(
      await read(random.pick(processes), settled, version),
      comparable(kind, content),
      `version ${version} again`,
    );
  }
  requireAcknowledged(logged, account);
  if (kind.accounted) requireEffects(kind, account, head);
  assert.is(account.problems.length, 0, `nothing went wrong on the way but for ${account.problems.join('\n')}`);
  await processes.at(-1)?.heal(blobId);
  const findings = await world.audit(blobId);
  assert.is(findings.length, 0, `the audit finds nothing but ${findings.join('\n')}`);
}

async function read(process: StudioProcess, { kind, blobId }: Settled, version?: number): Promise<string> {
  const caller = { userId: OWNER, administrator: false };
  const { content } = await patiently(() => process.documents.getBlob(caller, blobId, { withContent: true, version }));
  const encoding = kind.name === 'binary' ? 'hex' : 'utf8';
  return comparable(kind, Buffer.from(content ?? []).toString(encoding));
}

/** As readCanonical gives it: of binary content the hash. */
function comparable(kind: RoundKind, content: string): string {
  return kind.name === 'binary' ? createHash('sha256').update(Buffer.from(content, 'hex')).digest('hex') : content;
}

/** As a live document is loaded: one transaction, deleted content collected. */
function replayAtOnce(logged: LoggedBlob, kind: RoundKind): string {
  const doc = createDocument({ gc: true });
  rootOf(doc, shapeOfKind(kind));
  Y.transact(doc, () => {
    for (const { updates } of logged.deltas) for (const update of updates) Y.applyUpdate(doc, update);
  });
  const content = Buffer.from(readCanonical(doc, kind.contentType)).toString('utf8');
  doc.destroy();
  return content;
}

/** The structs that have not reached this client, and those of its own that have not reached the log. */
function lacking(logged: LoggedBlob, client: YjsClient): string {
  const all = new Y.Doc();
  for (const { updates } of logged.deltas) for (const update of updates) Y.applyUpdate(all, update);
  const beyond = (doc: Y.Doc, other: Y.Doc): string[] => {
    const { structs } = Y.decodeUpdate(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)));
    return structs.map(({ id, length }) => `${id.client}:${id.clock}+${length}`);
  };
  const { doc } = client.editor;
  const said = `in the log only: ${beyond(all, doc).join()}; with the client only: ${beyond(doc, all).join()}`;
  all.destroy();
  return said;
}

/** G1, G4: each version that a push was acknowledged with holds what was pushed. */
function requirePushed(logged: LoggedBlob, { pushed }: Account): void {
  const doc = new Y.Doc();
  const byVersion = [...pushed].sort((one, other) => one.version - other.version);
  for (const delta of logged.deltas) {
    for (const update of delta.updates) Y.applyUpdate(doc, update);
    for (; byVersion[0]?.version === delta.toVersion; byVersion.shift()) {
      for (const { id, length } of Y.decodeUpdate(byVersion[0].update).structs) {
        const known = Y.getState(doc.store, id.client);
        assert.ok(
          known >= id.clock + length,
          `version ${delta.toVersion} ends ${id.client} at ${known}, and was to hold ${id.clock}+${length} of ${byVersion[0].by}`,
        );
      }
    }
  }
  assert.is(byVersion.length, 0, 'no push was acknowledged with a version that is not there');
  doc.destroy();
}

function requireAcknowledged(logged: LoggedBlob, account: Account): void {
  for (const { requestId, deltaId, version } of account.acknowledged) {
    const delta = logged.deltas[version - 1];
    assert.is(delta?.id, deltaId, `${requestId} is where its answer said`);
    assert.is(delta?.requestId, requestId);
  }
  const acknowledged = new Map<string, Set<string>>();
  for (const { requestId, deltaId } of account.acknowledged) {
    acknowledged.set(requestId, (acknowledged.get(requestId) ?? new Set()).add(deltaId));
  }
  for (const delta of logged.deltas) {
    const answered = delta.requestId === undefined ? undefined : acknowledged.get(delta.requestId);
    if (answered) assert.ok(answered.has(delta.id), `${delta.requestId} is in the log once`);
  }
}

function requireEffects(kind: RoundKind, account: Account, head: string): void {
  const present = tokensIn(kind, head);
  const there = new Set(present);
  assert.is(there.size, present.length, 'no token is doubled');
  const { due, deleted, perhapsDeleted } = account;
  const lost = [...due].filter((token) => !there.has(token) && !deleted.has(token) && !perhapsDeleted.has(token));
  assert.equal(lost, [], `of ${due.size} acknowledged insertions these are lost`);
  assert.equal(
    [...deleted].filter((token) => there.has(token)),
    [],
    'what was deleted is gone',
  );
}
