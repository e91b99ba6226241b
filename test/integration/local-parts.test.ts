import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { connect } from 'nats';
import * as assert from 'uvu/assert';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part, PartName } from '../../src/local/contract.ts';
import { startPart, usePart } from '../../src/local/parts.ts';
import { installedWheel } from '../../src/local/wheel.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { isRunning, newFolder, partsDir, runStarter, searchPath } from './local-processes.ts';

const test = suite('parts of one machine');

const KEEPS: Readonly<Record<PartName, { write(part: Part): Promise<void>; read(part: Part): Promise<void> }>> = {
  mongodb: { write: (part) => withMongo(part, 'write'), read: (part) => withMongo(part, 'read') },
  nats: { write: (part) => withNats(part, 'write'), read: (part) => withNats(part, 'read') },
  temporal: { write: (part) => withTemporal(part, 'write'), read: (part) => withTemporal(part, 'read') },
};

for (const name of ['mongodb', 'nats', 'temporal'] as const) {
  test(
    `${name}: killed and started again on its port, it has its data`,
    async () => {
      const options = { dataDir: newFolder(name), partsDir, searchPath };
      const first = await startPart(name, options);
      await KEEPS[name].write(first);
      first.kill();
      assert.is((await first.exited).signal, 'SIGKILL');
      const second = await startPart(name, { ...options, port: first.port });
      assert.is(second.url, first.url);
      assert.is.not(second.pid, first.pid);
      await KEEPS[name].read(second);
      assert.match(await usePart(name, second.url, 'X').then(({ version }) => version), /^\d+\.\d+\.\d+/);
      await second.stop();
      assert.is(isRunning(second.pid), false);
    },
    { timeoutMs: 180_000 },
  );
}

test('what is on PATH is run from there, without Python and with nothing installed', async () => {
  const path = newFolder('path');
  const bin = (name: PartName): string => join(installedWheel(name, partsDir) ?? '', 'bin');
  symlinkSync(join(bin('nats'), 'nats-server'), join(path, 'nats-server'));
  symlinkSync(join(bin('temporal'), 'temporal'), join(path, 'temporal'));
  const script = `#!/bin/sh\nexec ${join(bin('mongodb'), 'python')} -I -m secantus "$@"\n`;
  writeFileSync(join(path, 'secantusd-rs'), script, { mode: 0o755 });
  const options = { dataDir: newFolder('parts'), partsDir: newFolder('empty'), searchPath: path };
  const parts = await Promise.all((['mongodb', 'nats', 'temporal'] as const).map((name) => startPart(name, options)));
  for (const part of parts) {
    assert.equal([part.origin, dirname(part.command)], ['path', path]);
    await KEEPS[part.name].write(part);
    await part.stop();
  }
  assert.equal(readdirSync(options.partsDir), []);
});

test('SIGKILL of its starter ends a part', async () => {
  const starter = runStarter(['nats', newFolder('nats'), partsDir]);
  const { pid } = await starter.line('pid');
  assert.ok(isRunning(Number(pid)));
  starter.process.kill('SIGKILL');
  await eventually('the part is gone', () => !isRunning(Number(pid)), 10_000);
});

test('what a killed starter left although its watchdog died too is ended at the next start, and only that', async () => {
  const dataDir = newFolder('nats');
  const starter = runStarter(['nats', dataDir, partsDir]);
  const { pid } = await starter.line('pid');
  // Stopped, the starter does not see that its watchdog goes.
  starter.process.kill('SIGSTOP');
  await killWatchdogOf(Number(starter.process.pid));
  starter.process.kill('SIGKILL');
  await sleep(1_000);
  assert.ok(isRunning(Number(pid)), 'nobody was left to end it');
  const part = await startPart('nats', { dataDir, partsDir, searchPath });
  assert.is(isRunning(Number(pid)), false);
  await part.stop();
});

test('a part whose watchdog is ended ends too', async () => {
  const part = await startPart('nats', { dataDir: newFolder('nats'), partsDir, searchPath });
  await killWatchdogOf(process.pid);
  await part.exited;
  assert.is(isRunning(part.pid), false);
});

async function killWatchdogOf(parent: number): Promise<void> {
  const { execFileSync } = await import('node:child_process');
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const line = lines.find((text) => Number(text.trim().split(/\s+/)[1]) === parent && text.includes('/bin/sh -c'));
  process.kill(Number.parseInt(line ?? '', 10), 'SIGKILL');
}

async function withMongo(part: Part, what: 'write' | 'read'): Promise<void> {
  const client = new MongoClient(part.url);
  try {
    const things = client.db('test').collection<{ _id: string }>('things');
    if (what === 'write') await things.insertOne({ _id: 'kept' }, { writeConcern: { w: 1, journal: true } });
    else assert.is((await things.findOne({ _id: 'kept' }))?._id, 'kept');
  } finally {
    await client.close();
  }
}

async function withNats(part: Part, what: 'write' | 'read'): Promise<void> {
  const connection = await connect({ servers: part.url });
  try {
    const manager = await connection.jetstreamManager();
    if (what === 'write') {
      await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
      await connection.jetstream().publish('kept', 'yes');
    } else {
      assert.is((await manager.streams.info('KEPT')).state.messages, 1);
    }
  } finally {
    await connection.close();
  }
}

async function withTemporal(part: Part, what: 'write' | 'read'): Promise<void> {
  const connection = await Connection.connect({ address: part.url });
  try {
    const { workflow } = new Client({ connection });
    if (what === 'write') await workflow.start('kept', { taskQueue: 'nobody', workflowId: 'kept' });
    else assert.is((await workflow.getHandle('kept').describe()).status.name, 'RUNNING');
  } finally {
    await connection.close();
  }
}

test.run();
