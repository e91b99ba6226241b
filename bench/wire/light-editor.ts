/**
 * An editor that costs its process little: it types into a document of its own, which holds nothing of what others type,
 * and of what comes it reads only whose keystrokes they are. So that many fit beside the server they measure.
 */
import { WebSocket } from 'ws';
import * as Y from 'yjs';
import type { Dialect, Incoming } from './dialect.ts';

export interface EditorPlace {
  readonly dialect: Dialect;
  readonly base: string;
  readonly room: string;
  readonly token: string;
  readonly versions?: boolean;
}

const EMPTY_VECTOR = Uint8Array.of(0);
const EMPTY_UPDATE = Uint8Array.of(0, 0);
const OPEN_MS_MAX = 120_000;

export class LightEditor {
  readonly #place: EditorPlace;
  readonly #socket: WebSocket;
  #doc: Y.Doc | undefined;
  #pending: Uint8Array | undefined;
  #answers: ((state: Uint8Array) => void)[] = [];
  #onGranted: () => void = () => {};
  /** Told of every keystroke that comes, its author's and its number; own ones included if the server echoes them. */
  onKeystrokes: (clientId: number, from: number, to: number) => void = () => {};
  onSaved: () => void = () => {};
  onClosed: () => void = () => {};

  private constructor(place: EditorPlace, socket: WebSocket) {
    this.#place = place;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(place.dialect.read(data)));
    socket.once('close', () => this.onClosed());
  }

  /** Resolves when it has been let in; it has not asked for the document then. */
  static async open(place: EditorPlace): Promise<LightEditor> {
    const { dialect, base, room, token, versions = false } = place;
    const socket = new WebSocket(dialect.url(base, room, token, versions), { perMessageDeflate: false, maxPayload: 0 });
    const editor = new LightEditor(place, socket);
    const hello = dialect.hello(room, token);
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('an editor was not let in in time')), OPEN_MS_MAX);
      const letIn = (): void => {
        clearTimeout(late);
        resolve();
      };
      editor.#onGranted = letIn;
      socket.once('error', reject);
      socket.once('close', (code, reason) => reject(new Error(`an editor was refused: ${code} ${reason.toString()}`)));
      socket.once('open', () => {
        if (hello) socket.send(hello);
        else letIn();
      });
    });
    socket.removeAllListeners('error').on('error', () => {});
    return editor;
  }

  static async openSynced(place: EditorPlace): Promise<LightEditor> {
    const editor = await LightEditor.open(place);
    await editor.state();
    return editor;
  }

  get clientId(): number {
    return this.#own.clientID;
  }

  /** Keystrokes typed so far. */
  get typed(): number {
    return Y.getState(this.#own.store, this.#own.clientID);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Bytes that the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** What the server has, or lacks of `stateVector`: the answer to a sync step 1, which comes behind all sent before. */
  state(stateVector: Uint8Array = EMPTY_VECTOR): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#socket.send(this.#place.dialect.step1(this.#place.room, stateVector));
    });
  }

  /** One keystroke at the end of what it typed. */
  type(character = 'x'): void {
    const text = this.#own.getText('content');
    text.insert(text.length, character);
    if (this.#pending) this.send(this.#pending);
    this.#pending = undefined;
  }

  send(update: Uint8Array): void {
    this.#socket.send(this.#place.dialect.update(this.#place.room, update));
  }

  /** Resolves when the system has taken it and all before it. */
  sendThrough(update: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(this.#place.dialect.update(this.#place.room, update), (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  close(): void {
    this.#socket.terminate();
    this.#doc?.destroy();
  }

  get #own(): Y.Doc {
    if (this.#doc) return this.#doc;
    this.#doc = new Y.Doc();
    this.#doc.on('update', (update: Uint8Array) => (this.#pending = update));
    return this.#doc;
  }

  #take(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'granted':
        this.#onGranted();
        return;
      case 'step1':
        this.#socket.send(this.#place.dialect.step2(this.#place.room, EMPTY_UPDATE));
        return;
      case 'step2':
        this.#answers.shift()?.(incoming.update);
        return;
      case 'saved':
        this.onSaved();
        return;
      case 'update': {
        const { from, to } = Y.parseUpdateMeta(incoming.update);
        for (const [clientId, end] of to) this.onKeystrokes(clientId, from.get(clientId) ?? 0, end);
        return;
      }
      case 'other':
        return;
    }
  }
}
