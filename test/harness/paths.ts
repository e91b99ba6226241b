import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const harnessRoot = dirname(fileURLToPath(import.meta.url));
export const testRoot = dirname(harnessRoot);
export const projectRoot = dirname(testRoot);
export const sourceRoot = join(projectRoot, 'src');
