/** What each page has in common: where its document lives, and what the test may ask it. */
import * as Y from 'yjs';
import type { PageApi } from '../page-api.ts';

export interface Place {
  /** `ws://…` or `http://…` */
  readonly studio: string;
  readonly blob: string;
  readonly token: string;
}

declare global {
  interface Window {
    api: PageApi;
  }
}

export function place(): Place {
  const query = new URLSearchParams(location.search);
  const read = (name: string): string => query.get(name) ?? '';
  return { studio: read('studio'), blob: read('blob'), token: read('token') };
}

export function mount(): HTMLElement {
  const parent = document.querySelector<HTMLElement>('#editor');
  if (!parent) throw new Error('the page has no #editor');
  return parent;
}

export function stateOf(doc: Y.Doc): number[] {
  return [...Y.encodeStateAsUpdate(doc)];
}

interface Presence {
  readonly clientID: number;
  getStates(): Map<number, Record<string, unknown>>;
}

export function othersOf(awareness: Presence | null): string[] {
  if (!awareness) return [];
  return [...awareness.getStates()]
    .filter(([client]) => client !== awareness.clientID)
    .map(([, state]) => String((state['user'] as { name?: unknown } | undefined)?.name));
}
