/**
 * A Yjs document that lives in the studio. What is changed here goes there and is kept until the studio says that it is
 * stored; what others change comes here. It connects again by itself, and edits made meanwhile are not lost.
 */
import { ObservableV2 } from 'lib0/observable';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { MISSING_ASKS_MAX, SILENCE_CHECK_MS, SILENCE_MS_MAX, STABLE_MS, TOKENS_REFUSED_MAX } from './limits.ts';
import { isAlsoOwn, lacks } from './clocks.ts';
import { Outbox } from './outbox.ts';
import { Presence } from './presence.ts';
import { RetryPause } from './retry-pause.ts';
import { Sender } from './sender.ts';
import { presenceError, silenceError, StudioError, streamEnded, stuckError } from './studio-error.ts';
import type { DocumentState } from './document-state.ts';
import type { Link, LinkEvent, LinkMaker } from './link.ts';

export interface StudioDocumentOptions {
  readonly blobId: string;
  /** `subscribing(transport)` in browsers, `streaming(transport)` where HTTP/2 is. */
  readonly link: LinkMaker;
  readonly doc: Y.Doc;
  /** Absent: a new one; null: none is exchanged. */
  readonly awareness?: Awareness | null;
  /**
   * The document holds everything up to this version: `state.version`, read in one go with the document's state when it
   * was put away. Of a document that lacks something of it what was inserted is noticed, and fetched; what was deleted,
   * and nothing else, is not.
   */
  readonly version?: bigint;
  /**
   * Nothing the document holds is an edit that the studio lacks: `state.saved`, read in one go with the document's state
   * when it was put away. Absent: it may be, and is pushed. One who may only read the document never could.
   */
  readonly saved?: boolean;
  /** Connect at once; true by default. */
  readonly connect?: boolean;
}

export class StudioDocument extends ObservableV2<{ change: (state: DocumentState) => void }> {
  readonly blobId: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness | null;
  readonly #ownsAwareness: boolean;
  readonly #makeLink: LinkMaker;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #pause = new RetryPause();
  readonly #stuck = stuckError();
  readonly #presenceTooLarge = presenceError();
  #state: DocumentState;
  /** Aborted by `disconnect` and `destroy`. */
  #running: AbortController | undefined;
  #sender: Sender | undefined;
  #tokensRefused = 0;
  #missingAsks = 0;

  constructor(options: StudioDocumentOptions) {
    super();
    this.blobId = options.blobId;
    this.doc = options.doc;
    this.awareness = options.awareness === undefined ? new Awareness(options.doc) : options.awareness;
    this.#ownsAwareness = options.awareness === undefined;
    this.#makeLink = options.link;
    this.#outbox = new Outbox(options.doc, options.saved ?? false);
    this.#presence = new Presence({
      awareness: this.awareness,
      origin: this,
      onNews: () => this.#sender?.wake(),
      onSize: () => this.#change({ problem: this.#lasting }),
    });
    this.#state = {
      status: 'offline',
      synced: false,
      saved: this.#outbox.isEmpty,
      readOnly: false,
      version: options.version ?? 0n,
      savedVersion: 0n,
      problem: undefined,
    };
    this.doc.on('update', this.#onDocUpdate);
    this.doc.on('destroy', this.#onDocDestroy);
    if (options.connect ?? true) this.connect();
  }

  /** Told of each change by the event `change`; a new object then. */
  get state(): DocumentState {
    return this.#state;
  }

  connect(): void {
    if (this.#running || this.#state.status === 'closed') return;
    this.#running = new AbortController();
    void this.#keepConnected(this.#running.signal);
  }

  /** Edits made from now on are kept for the next `connect`. */
  disconnect(): void {
    this.#stop();
    if (this.#state.status !== 'closed') this.#change({ status: 'offline', synced: false, problem: undefined });
  }

  override destroy(): void {
    this.#close(undefined);
    if (this.#ownsAwareness) this.awareness?.destroy();
    super.destroy();
  }

  /** Resolves when everything the studio has is here; rejects when the document is closed. */
  async whenSynced(): Promise<void> {
    await this.#when(({ synced }) => synced);
  }

  /** Resolves with the version that holds every edit made here; rejects when the document is closed. */
  async whenSaved(): Promise<bigint> {
    return (await this.#when(({ saved }) => saved)).savedVersion;
  }

  async #keepConnected(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#change({ status: 'connecting' });
      const startedAtMs = Date.now();
      const failure = await this.#connectOnce(signal);
      if (signal.aborted) return;
      this.#presence.forgetOthers();
      if (!this.#mayTryAgain(failure)) {
        this.#close(failure);
        return;
      }
      this.#change({ status: 'waiting', synced: false, problem: failure });
      if (Date.now() - startedAtMs > STABLE_MS) this.#pause.reset();
      await this.#pause.wait(signal);
    }
  }

  /** Resolves with why the connection ended. */
  async #connectOnce(outer: AbortSignal): Promise<StudioError> {
    // By who was just told that it connects: the signal tells of that no more.
    if (outer.aborted) return streamEnded();
    const over = new AbortController();
    let why: StudioError | undefined;
    const end = (error: StudioError): void => {
      why ??= error;
      over.abort();
    };
    const follow = (): void => over.abort();
    outer.addEventListener('abort', follow, { once: true });
    let heardAtMs = Date.now();
    const watching = setInterval(() => {
      if (Date.now() - heardAtMs > SILENCE_MS_MAX) end(silenceError());
    }, SILENCE_CHECK_MS);
    const opening = { stateVector: Y.encodeStateVector(this.doc), afterVersion: this.#state.version };
    try {
      const link = this.#makeLink(this.blobId, opening, over.signal);
      for await (const event of link.events()) {
        if (over.signal.aborted) break;
        heardAtMs = Date.now();
        this.#take(event, link, over.signal, end);
      }
    } catch (error) {
      why ??= StudioError.from(error);
    } finally {
      clearInterval(watching);
      outer.removeEventListener('abort', follow);
      over.abort();
    }
    return why ?? streamEnded();
  }

  #take(event: LinkEvent, link: Link, signal: AbortSignal, end: (error: StudioError) => void): void {
    switch (event.kind) {
      case 'opened':
        this.#onOpened(event, link, signal, end);
        return;
      case 'update':
        this.#outbox.takeIn(event.update, this);
        this.#change({ version: event.version, saved: this.#outbox.isEmpty });
        if (this.#outbox.hasUnsent) this.#sender?.wake();
        return;
      case 'seen':
        if (event.version > this.#state.version) this.#change({ version: event.version });
        return;
      case 'awareness':
        this.#presence.apply(event.update);
        return;
      case 'access':
        this.#change({ readOnly: event.readOnly });
        this.#sender?.wake();
        return;
      case 'keep_alive':
    }
  }

  #onOpened(
    event: Extract<LinkEvent, { kind: 'opened' }>,
    link: Link,
    signal: AbortSignal,
    end: (error: StudioError) => void,
  ): void {
    this.#outbox.takeIn(event.update, this);
    // By who watches the document.
    if (signal.aborted) return;
    if (lacks(this.doc, event.stateVector)) {
      // G6: the document is not what the version said it was: from nothing but its state vector, then. What is missed
      // may be what nothing that came builds on, and then Yjs waits for nothing.
      this.#state = { ...this.#state, version: 0n };
      end(streamEnded());
      return;
    }
    this.#outbox.startOver(event.stateVector);
    this.#tokensRefused = 0;
    this.#sender = new Sender({
      link,
      signal,
      outbox: this.#outbox,
      takeAwareness: () => this.#presence.take(),
      putBackAwareness: () => this.#presence.putBack(),
      isReadOnly: () => this.#state.readOnly,
      onAcknowledged: (version) => {
        this.#missingAsks = 0;
        this.#change({ savedVersion: version, saved: this.#outbox.isEmpty, problem: this.#lasting });
      },
      onTold: () => this.#change({ problem: this.#lasting }),
      onDelayed: (problem) => this.#change({ problem }),
      onRefused: end,
    });
    const { version, readOnly } = event;
    const saved = this.#outbox.isEmpty;
    this.#change({ status: 'connected', synced: true, problem: this.#lasting, version, readOnly, saved });
    this.#presence.startOver();
    this.#sender.wake();
  }

  /** What connecting again does not mend, and keeps nothing else from being saved. */
  get #lasting(): StudioError | undefined {
    if (this.#outbox.isStuck) return this.#stuck;
    return this.#presence.isTooLarge ? this.#presenceTooLarge : undefined;
  }

  /** A token may have been replaced; what the studio lacked is sent with the next opening. */
  #mayTryAgain(failure: StudioError): boolean {
    if (failure.isUnauthenticated) return ++this.#tokensRefused < TOKENS_REFUSED_MAX;
    if (failure.isMissing) return ++this.#missingAsks <= MISSING_ASKS_MAX;
    return !failure.isFinal;
  }

  readonly #onDocUpdate = (update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction): void => {
    if (origin === this && !isAlsoOwn(transaction)) return;
    this.#outbox.add(update);
    this.#change({ saved: false });
    this.#sender?.wake();
  };

  readonly #onDocDestroy = (): void => this.destroy();

  #stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#presence.forgetOthers();
  }

  #close(problem: StudioError | undefined): void {
    if (this.#state.status === 'closed') return;
    this.#stop();
    this.doc.off('update', this.#onDocUpdate);
    this.doc.off('destroy', this.#onDocDestroy);
    this.#presence.stop();
    this.#change({ status: 'closed', synced: false, problem });
  }

  #change(change: Partial<DocumentState>): void {
    const before = this.#state;
    const after = { ...before, ...change };
    if (Object.keys(change).every((key) => after[key as keyof DocumentState] === before[key as keyof DocumentState]))
      return;
    this.#state = after;
    this.emit('change', [after]);
  }

  #when(condition: (state: DocumentState) => boolean): Promise<DocumentState> {
    return new Promise((resolve, reject) => {
      const look = (state: DocumentState): void => {
        if (state.status !== 'closed' && !condition(state)) return;
        this.off('change', look);
        if (condition(state)) resolve(state);
        else reject(state.problem ?? new Error('The document was closed.'));
      };
      this.on('change', look);
      look(this.#state);
    });
  }
}
