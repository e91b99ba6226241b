/** Serves the test's pages from 127.0.0.1: an origin of its own, other than the studio's. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { projectRoot } from '../harness/paths.ts';

export interface PageServer {
  readonly origin: string;
  close(): Promise<void>;
}

/** `name` is a file in pages/; it becomes the script of the one page. */
export async function servePage(name: string): Promise<PageServer> {
  const { outputFiles } = await build({
    entryPoints: [join(projectRoot, 'test', 'browser', 'pages', `${name}.ts`)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  const script = outputFiles[0]?.contents ?? new Uint8Array();
  const page =
    '<!doctype html><meta charset="utf-8"><div id="editor"></div><script type="module" src="/page.js"></script>';
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
