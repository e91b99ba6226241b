/** The project's own sources, read as text: the rules here are about files, names and import statements. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { projectRoot } from '../harness/paths.ts';

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  /** A path from the project's root for relative imports, else the package or `node:` module as written. */
  readonly target: string;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
}

const OWN_FOLDERS = ['src', 'test', 'bench', 'clients', 'proto', 'deploy', '.ci'];
/** Made by tools, or brought from elsewhere. */
const FOREIGN = /(^|\/)(node_modules|gen|dist|target|\.venv|__pycache__)\/|^proto\/(buf|google|grpc)\//;
const TEXT = /\.(ts|js|mjs|proto|go|py|java|md|json|ya?ml|toml|txt|sh|html|css|svg)$|(^|\/)(run|ci|Dockerfile)$/;

/** Every text file of ours that `choose` takes. */
export function readSources(choose: (path: string) => boolean): Source[] {
  const inFolders = OWN_FOLDERS.flatMap((folder) => listFiles(folder).map((path) => `${folder}/${path}`));
  const atTop = readdirSync(projectRoot, { withFileTypes: true }).filter((entry) => entry.isFile());
  return [...atTop.map((entry) => entry.name), ...inFolders]
    .filter((path) => TEXT.test(path) && !FOREIGN.test(path) && path !== 'package-lock.json' && choose(path))
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));
}

export function readTypeScript(folder: string): Source[] {
  return readSources((path) => path.startsWith(`${folder}/`) && path.endsWith('.ts'));
}

const STATEMENT = /^[ \t]*(?:import|export)\s+(type\s+)?(?:([\w$*\s{},]+?)\s+from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g;

export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  for (const [, type, names = '', specifier = ''] of source.text.matchAll(STATEMENT)) {
    const listed = /^\{([^}]*)\}$/s
      .exec(names.trim())?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const typeOnly = type !== undefined || (listed !== undefined && listed.every((name) => name.startsWith('type ')));
    found.push({ from: source.path, target: resolveTarget(source.path, specifier), typeOnly });
  }
  for (const [, specifier = ''] of source.text.matchAll(DYNAMIC)) {
    found.push({ from: source.path, target: resolveTarget(source.path, specifier), typeOnly: false });
  }
  return found;
}

/** `@scope/name/deep/path` → `@scope/name`. */
export function packageOf(target: string): string {
  return target.split('/', target.startsWith('@') ? 2 : 1).join('/');
}

export function lines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function resolveTarget(from: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : specifier;
}

function listFiles(folder: string): string[] {
  const root = join(projectRoot, folder);
  try {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
      .filter((path) => !path.includes('node_modules/'));
  } catch {
    return [];
  }
}
