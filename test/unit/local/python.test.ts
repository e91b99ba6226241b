import * as assert from 'uvu/assert';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LocalFailure } from '../../../src/local/local-failure.ts';
import { findOnPath, findPython } from '../../../src/local/python.ts';
import { newFolder, searchPath } from '../../integration/local-processes.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('finding Python');

test('the one of this machine has venv', async () => {
  assert.match((await findPython(searchPath)).version, /^3\.1[0-3]$/);
});

test('no Python: says so, and what to install', async () => {
  const failure = await failureOf(newFolder('path'));
  assert.is(failure.message, 'There is no Python on PATH, which installing the parts needs.');
  assert.match(failure.advice, 'apt install python3-venv');
  assert.match(failure.advice, 'STUDIO_MONGODB_URL');
});

test('a Python without venv: names it, and the package that is missing', async () => {
  const { version, command } = await findPython(searchPath);
  const failure = await failureOf(
    withPython(`${command} -c 'import sys
sys.modules["venv"] = None
exec(sys.argv[-1])' "$@"`),
  );
  assert.match(failure.message, `Python ${version} (`);
  assert.match(failure.message, 'has no venv or no ensurepip');
  assert.match(failure.advice, `apt install python${version}-venv`);
});

test('a Python that is too old: names it, and the range', async () => {
  const failure = await failureOf(withPython('printf "3.8\\nvenv\\n"'));
  assert.match(failure.message, 'Python 3.8 (');
  assert.match(failure.advice, 'Python 3.10 to 3.13');
});

test('a folder of its name, and a file that can not be executed, are not programs', () => {
  const [folder, file, program] = [newFolder('path'), newFolder('path'), newFolder('path')];
  mkdirSync(join(folder, 'nats-server'));
  for (const each of [file, program]) writeFileSync(join(each, 'nats-server'), '');
  chmodSync(join(program, 'nats-server'), 0o755);
  const searchPath = [folder, file, program].join(delimiter);
  assert.is(findOnPath('nats-server', searchPath), join(program, 'nats-server'));
});

function withPython(script: string): string {
  const folder = newFolder('path');
  writeFileSync(join(folder, 'python3'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'python3'), 0o755);
  return folder;
}

async function failureOf(path: string): Promise<LocalFailure> {
  try {
    await findPython(path);
  } catch (error) {
    if (error instanceof LocalFailure) return error;
    throw error;
  }
  throw new Error('A Python was found.');
}

test.run();
