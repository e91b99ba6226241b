/** Windows of a real browser on one page, and what people do in them. */
import * as Y from 'yjs';
import { createStudioClient, type StudioClient } from '../../clients/node/src/index.ts';
import { readCanonical } from '../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../src/domain/content/document.ts';
import { shapeOf } from '../../src/domain/content/shape.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { layCable, type Cable } from './cable.ts';
import { launchChromium } from './chromium.ts';
import { servePage, type PageServer } from './page-server.ts';
import type { BrowserContext, Page } from 'playwright-core';
import type { PageApi } from './page-api.ts';

export interface EditorWindow {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What went wrong in the page. */
  readonly faults: readonly string[];
}

export interface BrowserWorld {
  readonly studio: TestStudio;
  readonly client: StudioClient;
  readonly pages: PageServer;
  /** To the studio, until `close`. */
  layCable(): Promise<Cable>;
  /** In a context of its own, as another person's browser: nothing passes between two but through the studio. */
  open(blobId: string, address: string): Promise<EditorWindow>;
  readonly close: () => Promise<void>;
}

/** A studio that lets the page's origin in, and a browser. */
export async function openBrowserWorld(executablePath: string, pageName: string): Promise<BrowserWorld> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const parts: TestParts = await startParts({ mongodb: true, nats: true, temporal: true });
    closers.push(() => parts.stop());
    const pages = await servePage(pageName);
    closers.push(() => pages.close());
    const studio = await startStudio({ parts, env: { STUDIO_ALLOWED_ORIGINS: pages.origin } });
    closers.push(() => studio.stop());
    const token = await studio.token('ada');
    const client = createStudioClient({ address: `127.0.0.1:${studio.grpcPort}`, token });
    closers.push(() => Promise.resolve(client.close()));
    const { browser, close: closeBrowser } = await launchChromium(executablePath);
    closers.push(closeBrowser);
    return {
      studio,
      client,
      pages,
      close,
      layCable: async () => {
        const cable = await layCable(studio.port);
        closers.push(cable.close);
        return cable;
      },
      open: async (blobId, address) => {
        const context = await browser.newContext();
        const page = await context.newPage();
        const faults: string[] = [];
        page.on('pageerror', (error) => faults.push(String(error)));
        const query = new URLSearchParams({ studio: address, blob: blobId, token });
        await page.goto(`${pages.origin}/?${query.toString()}`);
        const window = { context, page, faults };
        await eventually('the page is synced', () => ask(window, 'synced'));
        return window;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Answer<M extends keyof PageApi> = ReturnType<PageApi[M]>;

export function ask<M extends keyof PageApi>(window: EditorWindow, what: M): Promise<Answer<M>> {
  return window.page.evaluate<Answer<M>>(`window.api.${what}()`);
}

/** Puts the cursor at the start or end, as a person would with the keyboard. */
export async function goTo(window: EditorWindow, where: 'start' | 'end'): Promise<void> {
  await window.page.keyboard.press(where === 'start' ? 'Control+Home' : 'Control+End');
}

export async function type(window: EditorWindow, text: string): Promise<void> {
  await window.page.keyboard.type(text, { delay: 15 });
}

/** Waits until every window shows the same, and the same as the studio keeps; returns that. */
export async function agreed(world: BrowserWorld, blobId: string, windows: readonly EditorWindow[]): Promise<string> {
  return eventually('all windows and the studio agree', async () => {
    const { blob } = await world.client.blobs.getBlob({ id: blobId });
    const stored = Buffer.from(blob?.content ?? []).toString();
    for (const window of windows) {
      const shown = await contentOf(window, blob?.contentType ?? '');
      if (shown !== stored) throw new Error(`a window has ${shown}, the studio ${stored}`);
    }
    return stored === '' ? undefined : stored;
  });
}

async function contentOf(window: EditorWindow, contentType: string): Promise<string> {
  const doc = createDocument({ gc: true });
  rootOf(doc, shapeOf(contentType));
  Y.applyUpdate(doc, Uint8Array.from(await ask(window, 'state')));
  return Buffer.from(readCanonical(doc, contentType)).toString();
}
