/** `npm start` on a MongoDB, a NATS and a Temporal that run already and are named by their URLs. */
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Part } from '../../src/local/contract.ts';
import { LocalFailure } from '../../src/local/local-failure.ts';
import { startPart, usePart } from '../../src/local/parts.ts';
import { probeNats } from '../../src/local/probe-nats.ts';
import { readRun } from '../../src/local/run-file.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { type DevTree, processesOf, startDevTree } from './local-dev-tree.ts';
import { isRunning, newFolder, npmOnly, partsDir, runStudio, searchPath } from './local-processes.ts';

const test = suite('npm start on given parts', { timeoutMs: 120_000 });
const NAMESPACE = 'given';
const VARIABLES = {
  mongodb: 'STUDIO_MONGODB_URL',
  nats: 'STUDIO_NATS_URL',
  temporal: 'STUDIO_TEMPORAL_ADDRESS',
} as const;
const NAMES = ['mongodb', 'nats', 'temporal'] as const;
/** IPv6 where this machine has it: its addresses are written with brackets. */
const HOST = Object.values(networkInterfaces()).some((those) => those?.some(({ address }) => address === '::1'))
  ? '::1'
  : '127.0.0.1';
/** Looks like a port at its start, and needs escapes. */
const PASSWORD = '1:p@ss%';
const dataDir = newFolder('dev');
/** Without Python, without a part on PATH and with none installed: it could not start one. */
const emptyPartsDir = newFolder('parts');
let parts: Part[] = [];
let tree: DevTree;
test.before(async () => {
  const options = { dataDir: newFolder('given'), partsDir, searchPath, namespace: NAMESPACE };
  parts = await Promise.all(NAMES.map((name) => startPart(name, options)));
  parts = await Promise.all(parts.map(async (part) => (part.name === 'nats' ? demandLogin(part) : part)));
  tree = await startDevTree(dataDir, {
    ...Object.fromEntries(parts.map(({ name, url }) => [VARIABLES[name], url])),
    STUDIO_TEMPORAL_NAMESPACE: NAMESPACE,
    STUDIO_HOST: HOST,
    STUDIO_PARTS_DIR: emptyPartsDir,
    PATH: npmOnly(),
  });
});
test.after(async () => {
  tree?.npm.kill('SIGTERM');
  await tree?.gone();
  await Promise.all(parts.map((part) => part.stop()));
});

test('it starts none of them, needs no Python, and says where they come from', async () => {
  for (const { name, version } of parts) {
    const number = /\d+\.\d+\.\d+\S*$/.exec(version)?.[0] ?? 'no version';
    assert.match(tree.output(), `${name}: ready, ${number} (${VARIABLES[name]})`);
  }
  const { processes, parts: started } = readRun(dataDir);
  assert.equal(Object.keys(processes).sort(), ['serve', 'watchdog', 'worker']);
  assert.equal(started, {});
  assert.equal(
    processesOf(dataDir).filter((line) => /secantus|mongod|nats-server|start-dev/.test(line)),
    [],
  );
  assert.equal(readdirSync(emptyPartsDir), []);
});

test('doctor says that the environment names them, that they answer, and that Python is not needed', async () => {
  const { code, stdout } = await runStudio(['doctor'], tree.environment);
  for (const { name, url, port } of parts) {
    const line = stdout.split('\n').find((text) => text.startsWith(`ok   ${name}`));
    const shown = name === 'nats' ? `nats://127.0.0.1:${port}` : url;
    assert.match(line ?? stdout, `${name.padEnd(9)} ${shown}, from the environment; answers as`);
  }
  assert.not.match(stdout, /@|p%40ss/);
  assert.match(stdout, /ok {3}python +not needed/);
  assert.match(stdout, `ok   studio    ${tree.address}, ready`);
  assert.is(code, 0);
});

test('a NATS that refuses the login is told of, not waited for', async () => {
  const { port = 0 } = parts.find(({ name }) => name === 'nats') ?? {};
  for (const login of ['', 'ann:wrong@', 'a-token@']) {
    const outcome: unknown = await usePart('nats', `nats://${login}127.0.0.1:${port}`, VARIABLES.nats).catch(
      (error: unknown) => error,
    );
    assert.instance(outcome, LocalFailure, login);
    assert.is(
      (outcome as LocalFailure).message,
      `NATS at 127.0.0.1:${port} refuses the studio: Authorization Violation.`,
    );
  }
});

test('a blob is made, and a provider runs on it', async () => {
  const provider = {
    id: 'given-expander',
    name: 'expander',
    type: 'PROVIDER_TYPE_BUILTIN',
    workflow_id: 'expander',
    supported_types: ['text/plain'],
    trigger_events: ['TRIGGER_EVENT_BLOB_CREATED'],
  };
  await call('POST', '/providers', provider);
  await call('POST', '/blobs', { id: 'given', content_type: 'text/plain', text: 'word' });
  const child = await eventually('the derived blob is made', async () => {
    const { blobs } = (await call('GET', '/blobs/given/children')) as { blobs?: { id: string }[] };
    return blobs?.[0];
  });
  const { blob } = (await call('GET', `/blobs/${child.id}`)) as { blob: { text: string } };
  assert.match(blob.text, /^Expanded:/);
});

test('its end is not theirs', async () => {
  process.kill(-tree.pid('npm'), 'SIGINT');
  assert.is(await tree.exited, 0);
  await tree.gone();
  for (const { name, pid, url } of parts) {
    assert.ok(isRunning(pid), name);
    await usePart(name, url, VARIABLES[name], NAMESPACE);
  }
});

/** The same NATS again, for who has a login. */
async function demandLogin(nats: Part): Promise<Part> {
  await nats.stop();
  const store = ['-js', '-sd', newFolder('nats')];
  const args = ['-a', '127.0.0.1', '-p', String(nats.port), '--user', 'ann', '--pass', PASSWORD, ...store];
  const child = spawn(nats.command, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const url = `nats://ann:${encodeURIComponent(PASSWORD)}@127.0.0.1:${nats.port}`;
  await eventually('NATS takes the login', () => probeNats(url));
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
  };
  return { ...nats, url, pid: child.pid ?? 0, stop };
}

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${tree.token}`, 'content-type': 'application/json' };
  const response = await fetch(`${tree.address}/api/v1/studio${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, text);
  return JSON.parse(text);
}

test.run();
