/** Hands updates to a server through a sync socket: as fast as it takes them, or each when the one before is safe. */
import type { LightEditor } from '../wire/light-editor.ts';

/** What may wait in this process; as much again waits in the system's buffers. */
const WINDOW_BYTES = 64 * 1024;

/** In order, without waiting for answers. Resolves, with the milliseconds it took, when a question sent last is answered. */
export async function feed(
  editor: LightEditor,
  updates: readonly Uint8Array[],
  stateVector: Uint8Array,
): Promise<number> {
  const started = performance.now();
  for (const update of updates) {
    if (editor.unsentBytes < WINDOW_BYTES) editor.send(update);
    else await editor.sendThrough(update);
  }
  await editor.state(stateVector);
  return performance.now() - started;
}

/** One after the other, each when the one before is durable. Resolves with the milliseconds each took. */
export async function feedClosed(editor: LightEditor, updates: readonly Uint8Array[]): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (const update of updates) {
    const sent = performance.now();
    const saved = new Promise<void>((resolve) => (editor.onSaved = resolve));
    editor.send(update);
    await saved;
    latenciesMs.push(performance.now() - sent);
  }
  return latenciesMs;
}
