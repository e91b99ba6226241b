import * as assert from 'uvu/assert';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockData, lockOwner } from '../../../src/local/data-lock.ts';
import { LocalFailure } from '../../../src/local/local-failure.ts';
import { newFolder, runStarter } from '../../integration/local-processes.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('lock of the data folder');

test('one process may hold it several times, and it is free after as many releases', () => {
  const dataDir = newFolder('lock');
  const [first, second] = [lockData(dataDir), lockData(dataDir)];
  first.release();
  assert.is(lockOwner(dataDir)?.pid, process.pid);
  second.release();
  assert.is(lockOwner(dataDir), undefined);
  lockData(dataDir).release();
});

test('another process is told, in one sentence, who has it; a killed one has it no more', async () => {
  const dataDir = newFolder('lock');
  const holder = runStarter(['nats', dataDir, dataDir, 'lock']);
  await holder.line('locked');
  try {
    lockData(dataDir);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, LocalFailure);
    assert.is(
      (error as LocalFailure).message,
      `The data folder ${dataDir} is in use by process ${holder.process.pid}.`,
    );
    assert.match((error as LocalFailure).advice, 'STUDIO_DATA_DIR');
  }
  const ended = new Promise((resolve) => holder.process.once('exit', resolve));
  holder.process.kill('SIGKILL');
  await ended;
  lockData(dataDir).release();
});

test('of several processes that find a dead owner, one gets it', async () => {
  const dataDir = newFolder('lock');
  mkdirSync(join(dataDir, 'lock'));
  const dead = { owner: { pid: process.pid, started: 'before' }, holds: 1 };
  writeFileSync(join(dataDir, 'draft'), JSON.stringify(dead));
  linkSync(join(dataDir, 'draft'), join(dataDir, 'lock', '7.json'));
  const starters = Array.from({ length: 4 }, () => runStarter(['nats', dataDir, dataDir, 'lock']));
  const outcomes = await Promise.all(
    starters.map((starter) =>
      Promise.race([starter.line('locked').then(() => 'locked'), starter.line('failure').then(() => 'refused')]).catch(
        () => 'ended',
      ),
    ),
  );
  for (const starter of starters) starter.process.kill('SIGKILL');
  assert.equal(outcomes.sort(), ['locked', 'refused', 'refused', 'refused']);
});

test.run();
