/** `npm run demo` as a user runs it, on the first keystrokes of its trace. */
import * as assert from 'uvu/assert';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTrace } from '../../clients/node/demo/trace.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { projectRoot } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { connectAs, readText } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { environmentOf } from './local-dev-tree.ts';
import { type Ended, newFolder } from './local-processes.ts';

const test = suite('npm run demo', { timeoutMs: 180_000 });
const LIMIT = 200;
let parts: TestParts;
let studios: TestStudio[] = [];
test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  studios = await Promise.all((['serve', 'worker'] as const).map((command) => startStudio({ parts, command })));
});
test.after(async () => {
  await Promise.all(studios.map((studio) => studio.stop()));
  await parts?.stop();
});

test('two people type: one text through four doors, what is derived from it, and the figures', async () => {
  const [studio] = studios;
  if (!studio) throw new Error('There is no studio.');
  const token = await studio.token('ada');
  // One that was started here is another studio: of it nothing may be used.
  const dataDir = newFolder('dev');
  const other = { address: 'http://127.0.0.1:9', grpcAddress: '127.0.0.1:9', token: 'of another' };
  writeFileSync(join(dataDir, 'run.json'), JSON.stringify(other));
  const demo = await runDemo({ STUDIO_DATA_DIR: dataDir, STUDIO_ADDRESS: studio.address, STUDIO_TOKEN: token });
  assert.is(demo.code, 0, `${demo.stdout}${demo.stderr}`);

  const { endContent, authors } = loadTrace(LIMIT);
  const [byRpc, byEditor] = authors.map((keystrokes) => keystrokes.length);
  assert.ok(Number(byRpc) > 50 && Number(byEditor) > 50, 'both type');
  const lines = demo.stdout.split('\n');
  const from = lines.indexOf(`The text, ${Buffer.byteLength(endContent)} bytes, byte for byte:`);
  const version = LIMIT + 1;
  assert.equal(lines.slice(from + 1, from + 9), [
    '  ✔ gRPC',
    '  ✔ JSON over REST',
    '  ✔ editor',
    `  ✔ version ${version}`,
    'What providers derived from it:',
    ...['expander', 'text-statistics', 'markdown-html'].map((name) => `  ✔ ${name}, from version ${version}`),
  ]);
  const blobId = /^Blob (\S+) at/m.exec(demo.stdout)?.[1] ?? '';
  assert.is(await readText(connectAs(studio.address, token), blobId), endContent);

  const timing = 'p50 \\d+\\.\\d\\d ms, p99 \\d+\\.\\d\\d ms';
  for (const line of [
    `Deltas +${LIMIT} \\(gRPC ${byRpc}, editor ${byEditor}\\)`,
    'Time +\\d+\\.\\d s, \\d+ deltas/s',
    'Made on a base other than the head +gRPC \\d+, editor \\d+',
    `Acknowledged, gRPC +${timing}`,
    `Acknowledged, editor +${timing}`,
    `Events +.*delta_applied [\\d,]+`,
    'Executions +expander \\d+, text-statistics \\d+, markdown-html \\d+',
  ])
    assert.match(demo.stdout, new RegExp(`^  ${line}`, 'm'));
});

test('without a studio: one sentence, and an exit code that says so', async () => {
  const address = `http://127.0.0.1:${await freePort()}`;
  const dataDir = newFolder('dev');
  const [silent, none] = await Promise.all([
    runDemo({ STUDIO_ADDRESS: address, STUDIO_TOKEN: 'any' }),
    runDemo({ STUDIO_DATA_DIR: dataDir }),
  ]);
  assert.is(silent.code, 1);
  assert.match(silent.stderr.trim(), new RegExp(`^The studio at ${address} does not answer .*npm start.*$`));
  assert.is(none.code, 1);
  assert.is(none.stderr.trim(), `No studio runs on ${dataDir}. Start one with \`npm start\`, in another terminal.`);
});

async function runDemo(settings: Readonly<Record<string, string>>): Promise<Ended> {
  const env = { ...(await environmentOf(newFolder('dev'))), ...settings };
  const args = ['run', '--silent', 'demo', '--', '--limit', String(LIMIT)];
  return new Promise((resolve) => {
    execFile('npm', args, { cwd: projectRoot, env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test.run();
