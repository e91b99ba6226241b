import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { identify, isAlive, reap } from '../../../src/local/process-identity.ts';
import { reapRecorded, readRun, recordProcess, updateRun } from '../../../src/local/run-file.ts';
import { isRunning, newFolder } from '../../integration/local-processes.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('identity of processes');

test('a process with the same pid but another start is not reaped', async () => {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  assert.is(await reap({ pid, started: 'another time' }), false);
  assert.ok(isRunning(pid));
  const dataDir = newFolder('run');
  recordProcess(dataDir, 'nats', pid);
  assert.is(readRun(dataDir).processes['nats']?.pid, pid);
  const gone = once(child, 'exit');
  assert.is(await reapRecorded(dataDir, 'nats'), true);
  await gone;
  assert.is(isRunning(pid), false);
});

test('one that ignores SIGTERM is killed', async () => {
  const child = spawn('/bin/sh', ['-c', 'trap "" TERM; echo on; while :; do sleep 1; done'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  const gone = once(child, 'exit');
  assert.is(await reap(identity), true);
  assert.equal(await gone, [null, 'SIGKILL']);
  assert.is(isAlive(identity), false);
});

test('run.json that was cut short is as good as none', () => {
  const dataDir = newFolder('run');
  updateRun(dataDir, (state) => ({ ...state, address: 'http://127.0.0.1:1' }));
  assert.equal(readRun(dataDir), { processes: {}, parts: {}, address: 'http://127.0.0.1:1' });
  assert.equal(readRun(`${dataDir}/nowhere`), { processes: {}, parts: {} });
});

test.run();
