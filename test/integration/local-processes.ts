import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { identify } from '../../src/local/process-identity.ts';
import { findOnPath, findPython } from '../../src/local/python.ts';
import { projectRoot } from '../harness/paths.ts';

export const partsDir = process.env['STUDIO_PARTS_DIR'] ?? join(projectRoot, '.studio', 'parts');
export const searchPath = process.env['PATH'] ?? '';

export function newFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `${name}-`));
}

/** A path with nothing but Python on it, whatever else this machine has installed. */
export async function pythonOnly(): Promise<string> {
  const folder = newFolder('path');
  const { command } = await findPython(searchPath);
  // The command may be a script that needs more of the path than this one has.
  const real = execFileSync(command, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, 'python3'), `#!/bin/sh\nexec '${real}' "$@"\n`);
  chmodSync(join(folder, 'python3'), 0o755);
  return folder;
}

/** A path with what `npm start` itself needs, and nothing to start or install a part with. */
export function npmOnly(): string {
  const folder = newFolder('path');
  for (const name of ['node', 'npm', 'sh']) {
    const command = findOnPath(name, searchPath);
    if (command !== undefined) symlinkSync(realpathSync(command), join(folder, name));
  }
  return folder;
}

export interface Starter {
  readonly process: ChildProcess;
  /** The first line of JSON it printed that has this key. */
  line(key: string): Promise<Record<string, unknown>>;
}

/** Runs local-starter.ts. */
export function runStarter(args: readonly string[]): Starter {
  const script = join(projectRoot, 'test', 'integration', 'local-starter.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
    for (const check of waiting) check();
  });
  const line = (key: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = lines.find((candidate) => key in candidate);
        if (found) resolve(found);
      };
      waiting.add(check);
      child.once('close', () => reject(new Error(`The starter ended without "${key}": ${JSON.stringify(lines)}`)));
      check();
    });
  return { process: child, line };
}

export function isRunning(pid: number): boolean {
  return identify(pid) !== undefined;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `studio …`, to its end. */
export function runStudio(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const main = join(projectRoot, 'dist', 'main.js');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}
