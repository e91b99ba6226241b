import * as assert from 'uvu/assert';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readRun } from '../../src/local/run-file.ts';
import { eventually } from '../harness/eventually.ts';
import { projectRoot } from '../harness/paths.ts';
import { connectAs } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { type DevTree, environmentOf, MEMBERS, processesOf, startDevTree } from './local-dev-tree.ts';
import { newFolder, pythonOnly } from './local-processes.ts';
import { onPath, paste, printedLine } from './local-welcome.ts';

const test = suite('npm start', { timeoutMs: 180_000 });
const dataDir = newFolder('dev');
const BLOB = 'kept-through-everything';
const MAIN = join(projectRoot, 'dist', 'main.js');
const run = promisify(execFile);
const GONE_MS_MAX = 2_000;

test('G1: ready, with an address and a token that create a blob', async () => {
  const tree = await startDevTree(dataDir);
  process.stdout.write(`ready after ${tree.readyMs.toFixed(0)} ms (parts installed if they were not)\n`);
  const body = { id: BLOB, content_type: 'text/plain', content: Buffer.from('kept').toString('base64') };
  const response = await call(tree, 'POST', '', JSON.stringify(body));
  assert.ok(response.ok, await response.text());
  assert.match(tree.output(), tree.address);
  assert.match(tree.output(), `TOKEN=${tree.token}`);
  try {
    await tryWhatIsPrinted(tree);
  } finally {
    await interrupt(tree);
  }
  assert.is(await tree.exited, 0);
  await tree.gone();
});

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  for (const member of MEMBERS) {
    test(`G1: ${signal} of ${member} ends every process; started again it has its data`, async () => {
      const tree = await startDevTree(dataDir);
      process.stdout.write(`ready after ${tree.readyMs.toFixed(0)} ms; `);
      assert.is(await content(tree), 'kept');
      process.kill(tree.pid(member), signal);
      process.stdout.write(`${signal} of ${member}: all gone after ${(await tree.gone()).toFixed(0)} ms\n`);
      const asked = signal === 'SIGTERM' && (member === 'npm' || member === 'dev');
      if (!asked) assert.is.not(await tree.exited, 0);
      if (!['npm', 'dev'].includes(member)) assert.match(tree.output(), member);
    });
  }
}

test('a second Ctrl-C, later than the first, ends all at once; npm doubling the first does not count', async () => {
  const tree = await startDevTree(dataDir);
  assert.is(await content(tree), 'kept');
  process.kill(tree.pid('mongodb'), 'SIGSTOP');
  await interrupt(tree);
  await interrupt(tree);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.not.equal(processesOf(dataDir), []);
  await interrupt(tree);
  assert.ok((await tree.gone()) < 2_000);
});

test('Ctrl-C while the parts are being installed ends that too', async () => {
  const folder = newFolder('dev');
  const env = { ...(await environmentOf(folder)), STUDIO_PARTS_DIR: newFolder('parts'), PATH: await pythonOnly() };
  const dev = spawn(process.execPath, [MAIN, 'dev'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(dev, 'exit');
  for await (const chunk of dev.stdout) if (String(chunk).includes('mongodb: installing')) break;
  await eventually('pip or venv is at work', () => processesOf(folder).length > 2);
  dev.kill('SIGINT');
  assert.equal(await exited, [0, null]);
  // What it killed as its last act may take a moment to be gone, on a busy machine.
  await eventually('all are gone', () => processesOf(folder).length === 0, GONE_MS_MAX);
});

test('doctor: all fine while it runs and while it does not', async () => {
  const tree = await startDevTree(dataDir);
  const running = await run(process.execPath, [MAIN, 'doctor'], { env: tree.environment });
  assert.match(running.stdout, `ok   studio    ${tree.address}, ready`);
  assert.match(running.stdout, /ok {3}mongodb .*answers as/);
  await interrupt(tree);
  await tree.gone();
  const resting = await run(process.execPath, [MAIN, 'doctor'], { env: tree.environment });
  assert.match(resting.stdout, /ok {3}nats +not running; from/);
});

test('its port in use, or its data folder: one sentence, and what to do', async () => {
  const env = await environmentOf(newFolder('dev'));
  const server = createServer().listen(Number(env['STUDIO_PORT']), '127.0.0.1');
  await once(server, 'listening');
  const inUse = await failing('dev', env);
  assert.match(inUse.stderr, `Port ${env['STUDIO_PORT']} on 127.0.0.1`);
  assert.match(inUse.stderr, 'STUDIO_PORT to another port');
  const doctor = await failing('doctor', env);
  assert.match(doctor.stdout, `BAD  port      ${env['STUDIO_PORT']} IS IN USE`);
  server.close();

  const tree = await startDevTree(dataDir);
  const second = await failing('dev', tree.environment);
  assert.match(second.stderr, `is in use by process ${tree.pid('dev')}.`);
  await interrupt(tree);
  await tree.gone();
});

/** A command that ends with an exit code other than 0, and what it printed. */
async function failing(command: string, env: NodeJS.ProcessEnv): Promise<{ stdout: string; stderr: string }> {
  const outcome: unknown = await run(process.execPath, [MAIN, command], { env }).catch((error: unknown) => error);
  if (!(outcome instanceof Error)) throw new Error(`${command} succeeded.`);
  return outcome as Error & { stdout: string; stderr: string };
}

/** Each line as it is printed; what this machine has no program for is asked for by other means. */
async function tryWhatIsPrinted(tree: DevTree): Promise<void> {
  const { grpcAddress = '' } = readRun(dataDir);
  const bearer = '-H "Authorization: Bearer $TOKEN"';
  const body = '{"content_type":"text/plain","content":"SGVsbG8sIHdvcmxkIQ=="}';
  const blobs = `${tree.address}/api/v1/studio/blobs`;
  const list = 'memmie.studio.v1.BlobService/ListBlobs';
  const create = `curl -sS ${bearer} -H 'Content-Type: application/json' -d '${body}' ${blobs}`;
  const curlList = `curl -sS ${bearer} ${blobs}`;
  const grpcurl = `grpcurl -plaintext ${bearer} -d '{"page_size":10}' ${grpcAddress} ${list}`;
  const buf = `npx buf curl --http2-prior-knowledge --protocol grpc ${bearer} -d '{"page_size":10}' ${tree.address}/${list}`;
  for (const line of [create, curlList, grpcurl, buf, 'npm run demo']) assert.is(printedLine(tree, line), line);

  const hasCurl = onPath('curl');
  const created = hasCurl ? await paste(tree, create) : await (await call(tree, 'POST', '', body)).text();
  const { blob } = JSON.parse(created) as { blob: { id: string } };
  assert.is(await content(tree, blob.id), 'Hello, world!');
  const listed = hasCurl ? await paste(tree, curlList) : await (await call(tree, 'GET', '')).text();
  for (const id of [blob.id, BLOB]) assert.match(listed, `"${id}"`);
  assert.match(await paste(tree, buf), `"${blob.id}"`);
  if (onPath('grpcurl')) assert.match(await paste(tree, grpcurl), `"${blob.id}"`);
  else {
    const alone = connectAs(`http://${grpcAddress}`, tree.token, 'grpc');
    const found = (await alone.blobs.listBlobs({ pageSize: 10 })).blobs.map(({ id }) => id);
    assert.ok(found.includes(blob.id));
  }
  assert.match(await paste(tree, 'npm run --silent demo -- --limit 10'), /✔ version 11\n/);
}

/** What a terminal does on Ctrl-C. */
async function interrupt(tree: DevTree): Promise<void> {
  process.kill(-tree.pid('npm'), 'SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 20));
}

async function content(tree: DevTree, id = BLOB): Promise<string> {
  const response = await call(tree, 'GET', `/${id}`);
  const { blob } = (await response.json()) as { blob: { content: string } };
  return Buffer.from(blob.content, 'base64').toString('utf8');
}

function call(tree: DevTree, method: string, path: string, body?: string): Promise<Response> {
  const headers = { authorization: `Bearer ${tree.token}`, 'content-type': 'application/json' };
  return fetch(`${tree.address}/api/v1/studio/blobs${path}`, { method, headers, body });
}

test.run();
