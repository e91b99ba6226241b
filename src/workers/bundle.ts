/** The workflow code as one file, built once: a worker that loads it starts in a fraction of the time. */
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');

/** Code for `Worker.create`. */
export async function buildWorkflowCode(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileOf('index'),
    payloadConverterPath: fileOf('payload-converter'),
    logger: new DefaultLogger('ERROR'),
  });
  return code;
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`./workflows/${name}.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url));
}

let built: Promise<string> | undefined;

/** What the built worker runs. From source there is no built file to go stale: the code is bundled once by each process. */
export async function workflowBundle(): Promise<{ codePath: string } | { code: string }> {
  if (!RUNS_FROM_SOURCE) return { codePath: bundlePath() };
  built ??= buildWorkflowCode();
  return { code: await built };
}

function bundlePath(): string {
  return fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
}

// Run as a program: a step of the build.
if (process.argv[1] !== undefined && (await realpath(process.argv[1])) === fileURLToPath(import.meta.url)) {
  await mkdir(fileURLToPath(new URL('.', import.meta.url)), { recursive: true });
  await writeFile(bundlePath(), await buildWorkflowCode());
}
