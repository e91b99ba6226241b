/** A real browser, where there is one. Chromium is Debian's package; nothing is downloaded. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import { skip } from '../harness/suite.ts';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const ARGUMENTS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync --disable-dev-shm-usage';

/** The path of a browser; where there is none, the test is skipped. */
export function requireChromium(): string {
  return PATHS.find((path) => existsSync(path)) ?? skip(`no Chromium at ${PATHS.join(', ')}`);
}

export interface RunningBrowser {
  readonly browser: Browser;
  readonly close: () => Promise<void>;
}

/** With a profile of its own, which goes with it. */
export async function launchChromium(executablePath: string): Promise<RunningBrowser> {
  // Chromium makes a socket there, whose path may have 107 bytes: the test's own folder is too deep for it.
  const TMPDIR = await mkdtemp('/tmp/chromium-');
  const remove = (): Promise<void> => rm(TMPDIR, { recursive: true, force: true, maxRetries: 5 });
  try {
    const env = { ...process.env, TMPDIR };
    const browser = await chromium.launch({ executablePath, args: ARGUMENTS.split(' '), chromiumSandbox: false, env });
    return {
      browser,
      close: async () => {
        await browser.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
