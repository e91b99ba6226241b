/** Both authors at once, each edit made in exactly the state that the trace names for it. */
import type { EditorTypist } from './editor-typist.ts';
import type { RpcTypist } from './rpc-typist.ts';
import type { Trace } from './trace.ts';

/** Resolves when `count` of something are done, told of by `advance`. */
class Counter {
  #done = 0;
  #waiting: { count: number; resolve: () => void } | undefined;

  advance(): void {
    this.#done += 1;
    if (!this.#waiting || this.#waiting.count > this.#done) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  reached(count: number): Promise<void> {
    if (count <= this.#done) return Promise.resolve();
    return new Promise((resolve) => (this.#waiting = { count, resolve }));
  }
}

export async function replay(options: {
  readonly trace: Trace;
  readonly rpc: RpcTypist;
  readonly editor: EditorTypist;
  /** The version that both begin with. */
  readonly firstVersion: number;
  readonly onKeystroke: () => void;
}): Promise<void> {
  const { trace, rpc, editor, firstVersion, onKeystroke } = options;
  const [rpcKeystrokes, editorKeystrokes] = trace.authors;
  const rpcDone = new Counter();
  const editorDone = new Counter();

  const typeThroughRpc = async (): Promise<void> => {
    for (const [index, keystroke] of rpcKeystrokes.entries()) {
      await editorDone.reached(keystroke.known);
      // All up to that version is the other's, seen, or an own delta: the two together are the state.
      const seen = keystroke.known === 0 ? firstVersion : editor.versions[keystroke.known - 1];
      if (seen === undefined) throw new Error('An acknowledged edit has no version.');
      await rpc.type(keystroke, seen);
      await editor.arrived(index + 1);
      rpcDone.advance();
      onKeystroke();
    }
  };
  const typeThroughEditor = async (): Promise<void> => {
    for (const keystroke of editorKeystrokes) {
      await rpcDone.reached(keystroke.known);
      await editor.type(keystroke);
      editorDone.advance();
      onKeystroke();
    }
  };
  await Promise.all([typeThroughRpc(), typeThroughEditor()]);
}

/** How many of an author's edits were committed onto a head that held edits they were not made on. */
export function countOffHead(
  keystrokes: Trace['authors'][number],
  versions: readonly number[],
  otherVersions: readonly number[],
): number {
  let before = 0;
  let offHead = 0;
  for (const [index, version] of versions.entries()) {
    while ((otherVersions[before] ?? Infinity) < version) before += 1;
    if ((keystrokes[index]?.known ?? 0) < before) offHead += 1;
  }
  return offHead;
}
