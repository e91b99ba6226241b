/** What the code promises by name is kept: guarantees have tests, limits have users, reasons are raised. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { REASON_CODES } from '../../src/errors.ts';
import { projectRoot } from '../harness/paths.ts';
import { suite } from '../harness/suite.ts';
import { readTypeScript } from './sources.ts';

const test = suite('conventions: promises');
const sources = readTypeScript('src');
const tests = readTypeScript('test').filter(({ path }) => path.endsWith('.test.ts'));

function idsIn(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => text.match(/\bG[1-9]\b/g) ?? []))].sort();
}

const isLimits = (path: string): boolean => path === 'src/limits.ts' || path.startsWith('src/limits/');

function textOfLimits(): string {
  return sources.flatMap(({ path, text }) => (isLimits(path) ? [text] : [])).join('\n');
}

test('every guarantee the code names is in the title of a test, and the reverse', () => {
  const titles = tests.flatMap(({ text }) =>
    [...text.matchAll(/\btest\(\s*(['"`])((?:(?!\1).|\n)*?)\1/g)].map((match) => match[2] ?? ''),
  );
  assert.ok(titles.length > 50);
  assert.equal(idsIn(titles), idsIn(sources.map(({ text }) => text)));
});

test('every named limit bounds something', () => {
  const limits = textOfLimits();
  const names = [...limits.matchAll(/^export const (\w+)/gm)].map((match) => match[1] ?? '');
  assert.ok(names.length > 50);
  const others = sources.filter(({ path }) => !isLimits(path)).map(({ text }) => text);
  // One that only other limits are made of counts through them.
  const used = (name: string): boolean =>
    others.some((text) => new RegExp(`\\b${name}\\b`).test(text)) || new RegExp(`= .*\\b${name}\\b`).test(limits);
  assert.equal(
    names.filter((name) => !used(name)),
    [],
  );
});

test('limits carry their unit at the end of their name', () => {
  const limits = textOfLimits();
  const times = [...limits.matchAll(/^export const (\w+) = .*\b(?:1_?000|60_000|60 \* 1_?000)\b.*;/gm)].map(
    (match) => match[1] ?? '',
  );
  const unit = /(_MS|_SECONDS|_BYTES|_CHARACTERS|_DELTAS|_EDITS|_COMMITS|_EVENTS|_MAX|_MIN|_DEFAULT|_EVERY_\w+)$/;
  assert.equal(
    times.filter((name) => !unit.test(name)),
    [],
  );
});

test('every reason an error may carry is raised somewhere', () => {
  const errors = sources.find(({ path }) => path === 'src/errors.ts')?.text ?? '';
  const reasons = [...errors.matchAll(/^ {2}([A-Z_]+): '/gm)].map((match) => match[1] ?? '');
  assert.ok(reasons.length > 40);
  const others = sources
    .filter(({ path }) => path !== 'src/errors.ts' && !path.startsWith('src/transport/sync/close'))
    .map(({ text }) => text);
  assert.equal(
    reasons.filter((reason) => reason !== 'INTERNAL' && !others.some((text) => text.includes(`'${reason}'`))),
    [],
  );
});

test('error.proto lists the reasons of the code, each with its code', () => {
  const proto = readFileSync(join(projectRoot, 'proto/memmie/studio/v1/error.proto'), 'utf8');
  const listed: Record<string, string> = {};
  for (const [, words = '', reason = ''] of proto.matchAll(/((?:^ +\/\/.*\n)+) +ERROR_REASON_(\w+) = [1-9]\d*;/gm)) {
    // google.rpc.Code spells this one with two l.
    const code = /\bCode ([A-Z_]+)\.\s*$/.exec(words)?.[1]?.toLowerCase();
    listed[reason] = code === 'cancelled' ? 'canceled' : (code ?? 'none');
  }
  const sorted = (codes: Readonly<Record<string, string>>): string[] =>
    Object.entries(codes)
      .map(([reason, code]) => `${reason} ${code}`)
      .sort();
  assert.equal(sorted(listed), sorted(REASON_CODES));
});

test('README’s table names tests that exist, for every guarantee', () => {
  const rows = readFileSync(join(projectRoot, 'README.md'), 'utf8').match(/^\| (\*\*)?G[1-9].*$/gm) ?? [];
  assert.equal(idsIn(rows), idsIn(sources.map(({ text }) => text)));
  const named = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
  assert.ok(named.length >= rows.length);
  const exists = (name: string): boolean =>
    existsSync(join(projectRoot, name)) || tests.some(({ path }) => path.endsWith(`/${name}.test.ts`));
  assert.equal(
    named.filter((name) => !exists(name)),
    [],
  );
});

test.run();
