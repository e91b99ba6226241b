/** The commands that `npm start` ends with, run as they are printed. */
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { findOnPath } from '../../src/local/python.ts';
import { projectRoot } from '../harness/paths.ts';
import type { DevTree } from './local-dev-tree.ts';
import { searchPath } from './local-processes.ts';

export const onPath = (program: string): boolean => findOnPath(program, searchPath) !== undefined;

/** The line of what it printed that begins so. */
export function printedLine(tree: DevTree, start: string): string {
  const found = tree
    .output()
    .split('\n')
    .filter((line) => line.startsWith(`  ${start}`));
  const [line] = found;
  if (line === undefined || found.length > 1) throw new Error(`"${start}" is printed ${found.length} times.`);
  return line.trim();
}

/** The line, pasted after the printed TOKEN= line into a shell in the project's folder; what it printed. */
export function paste(tree: DevTree, line: string): Promise<string> {
  // What npx would find after a while, without that while.
  const command = line.replace(/^npx /, '');
  const path = [join(projectRoot, 'node_modules', '.bin'), searchPath].join(delimiter);
  const env = { ...tree.environment, PATH: path, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };
  const script = `${printedLine(tree, 'TOKEN=')}\n${command}`;
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', script], { cwd: projectRoot, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}\n${stdout}${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}
