/** What tests of the past share: history on a real database, in this process or in one that gets killed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { pino } from 'pino';
import { auditStudio, type AuditReport } from '../../src/documents/audit/audit.ts';
import { assembleHistory, type HistoryLimits, type HistoryParts } from '../../src/documents/history/history-parts.ts';
import { headBase } from '../../src/domain/base.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import type { Database } from '../../src/storage/database.ts';
import type { TestParts } from '../harness/parts.ts';
import { projectRoot } from '../harness/paths.ts';
import type { SeededLog } from './seeded-log.ts';

export const logger = pino({ level: 'silent' });

const open = new Set<{ close(): Promise<void> }>();

/** What a test that fails does not come to close is closed by `closeHistories`. */
export function closedInTheEnd<T extends { close(): Promise<void> }>(opened: T): T {
  const tracked: T = {
    ...opened,
    close: () => {
      open.delete(tracked);
      return opened.close();
    },
  };
  open.add(tracked);
  return tracked;
}

/** For `test.after.each`. */
export async function closeHistories(): Promise<void> {
  await Promise.all([...open].map((one) => one.close()));
}

export async function openHistory(database: Database, limits?: HistoryLimits): Promise<HistoryParts> {
  const log = new CommitLog(database);
  return closedInTheEnd(await assembleHistory({ database, log, failpoints: new Failpoints(), logger, limits }));
}

/** The signal that ended it, or its exit code. */
export async function runHistoryProcess(
  action: 'compact' | 'thin',
  target: { readonly parts: TestParts; readonly database: string; readonly blobId: string },
  failpoints = '',
): Promise<NodeJS.Signals | number | null> {
  const script = join(projectRoot, 'test', 'integration', 'history-process.ts');
  const { parts, database, blobId } = target;
  const urls = [parts.url('mongodb'), ...(action === 'thin' ? [parts.url('nats')] : [])];
  const args = ['--import', 'tsx', script, action, database, blobId, ...urls];
  const child = spawn(process.execPath, args, {
    cwd: projectRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, HISTORY_FAILPOINTS: failpoints },
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
}

export async function textAt(past: HistoryParts, blobId: string, version: number): Promise<string> {
  const doc = await past.history.materialize(blobId, headBase(version));
  const text = doc.getText('content').toJSON();
  doc.destroy();
  return text;
}

/** Every sampled version reads as it was written. */
export async function requireVersions(
  past: HistoryParts,
  log: SeededLog,
  versions: Iterable<number> = log.texts.keys(),
): Promise<void> {
  for (const version of versions) {
    assert.is(await textAt(past, log.blobId, version), log.texts.get(version), `version ${version}`);
  }
}

export function audit(
  parts: TestParts,
  database: string,
  options: { readonly blobIds?: readonly string[]; readonly repair?: boolean } = {},
): Promise<AuditReport> {
  return auditStudio({ url: parts.url('mongodb'), database, logger, ...options });
}

export async function requireClean(parts: TestParts, database: string, blobIds?: readonly string[]): Promise<void> {
  const { findings, differences } = await audit(parts, database, { blobIds });
  assert.is(differences, 0, JSON.stringify(findings, undefined, 1));
}
