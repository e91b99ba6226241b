/**
 * What waits for the reader of one stream. G7: it is bounded. A document's state is made only when its turn comes, and
 * when more waits than may, its updates become one that is made then too; awareness gives way first, and is sent as it
 * is by the time the reader has caught up. Answers to the client's own updates stay; the stream takes no more of those
 * while the queue is full.
 */
import { SYNC_STREAM_BYTES_MAX, SYNC_STREAM_FRAMES_MAX, SYNC_STREAM_STALL_MS_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { bytesOf, type Frame, type FrameSource } from './frames.ts';

export interface Sent {
  readonly blobId: string;
  readonly frame: Frame;
}

interface Entry {
  readonly source: FrameSource;
  /** Made when its turn comes: the answer to an opening, or all updates that were missed since the last frame. */
  readonly frame: Frame | 'opened' | 'missed';
}

export class FrameQueue {
  #entries: Entry[] = [];
  #bytes = 0;
  /** Sources that have a `missed` entry. */
  readonly #behind = new Set<FrameSource>();
  /** Sources whose awareness was left out. */
  readonly #unseen = new Set<FrameSource>();
  #wake: (() => void) | undefined;
  #roomy: (() => void)[] = [];
  #ending = false;
  #failure: { readonly error: unknown } | undefined;
  #takenAtMs = performance.now();
  #beat = false;
  readonly #onFailed: () => void;
  readonly #tellsRefusals: boolean;

  /**
   * `onFailed`: called once, at once. The reader may be stuck, and learn of it late or never. `tellsRefusals`: false when
   * the client learns elsewhere that an update was refused.
   */
  constructor(onFailed: () => void = () => {}, { tellsRefusals = true } = {}) {
    this.#onFailed = onFailed;
    this.#tellsRefusals = tellsRefusals;
  }

  /** While it is, the client's own messages are not read. */
  get isFull(): boolean {
    return this.#entries.length >= SYNC_STREAM_FRAMES_MAX / 2 || this.#bytes >= SYNC_STREAM_BYTES_MAX / 2;
  }

  add(source: FrameSource, frame: Frame): void {
    if (this.#ending || this.#failure) return;
    if (frame.kind === 'rejected' && !this.#tellsRefusals) return;
    if (frame.kind === 'awareness' && this.isFull) {
      this.#unseen.add(source);
      return;
    }
    if (frame.kind === 'update' && this.#behind.has(source)) return;
    const over = this.#entries.length >= SYNC_STREAM_FRAMES_MAX || this.#bytes + bytesOf(frame) > SYNC_STREAM_BYTES_MAX;
    if (over && frame.kind === 'update') this.#leaveBehind(source);
    else {
      this.#entries.push({ source, frame });
      this.#bytes += bytesOf(frame);
    }
    this.#wake?.();
  }

  /** Awareness of this source was left out. It is told of as it is by the time nothing else waits. */
  addPresence(source: FrameSource): void {
    if (this.#ending || this.#failure) return;
    this.#unseen.add(source);
    this.#wake?.();
  }

  /** The answer to an opening is next of this source. */
  addOpened(source: FrameSource): void {
    if (this.#ending || this.#failure) return;
    this.#entries.push({ source, frame: 'opened' });
    this.#wake?.();
  }

  /** What would have to be made of this source is not sent any more; what is queued is. */
  forget(source: FrameSource): void {
    this.#unseen.delete(source);
    this.#behind.delete(source);
    const first = this.#entries.findIndex((entry) => entry.source === source && typeof entry.frame === 'string');
    if (first < 0) return;
    this.#withoutSeen(source, first);
    this.#entries = this.#entries.filter((entry) => entry.source !== source || typeof entry.frame !== 'string');
  }

  /** Ends once everything queued has been taken. */
  end(): void {
    this.#ending = true;
    this.#wake?.();
    this.#letIn();
  }

  /** Ends now; what waits is let go of. */
  fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#entries = [];
    this.#bytes = 0;
    this.#behind.clear();
    this.#unseen.clear();
    this.#wake?.();
    this.#letIn();
    this.#onFailed();
  }

  /** Called in a fixed rhythm: an idle reader is told that the stream lives, one that takes nothing is given up. */
  beat(): void {
    if (this.#entries.length === 0) this.#beat = true;
    else if (performance.now() - this.#takenAtMs > SYNC_STREAM_STALL_MS_MAX) {
      const limit = 'SYNC_STREAM_STALL_MS_MAX';
      this.fail(new StudioError('LIMIT_EXCEEDED', 'The reader does not keep up.', { limit }));
    }
    this.#wake?.();
  }

  /** Resolves when the queue is not full, or has ended. */
  async whenRoomy(): Promise<void> {
    while (this.isFull && !this.#ending && !this.#failure)
      await new Promise<void>((resolve) => this.#roomy.push(resolve));
  }

  /** The reader's side, for one reader; `keep_alive` when nothing else was said for a beat. */
  async *read(): AsyncGenerator<Sent | 'keep_alive'> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const sent = this.#take();
      if (sent) {
        this.#takenAtMs = performance.now();
        this.#beat = false;
        yield sent;
      } else if (this.#entries.length > 0) continue;
      else if (this.#ending) return;
      else if (this.#beat) {
        this.#beat = false;
        yield 'keep_alive';
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #take(): Sent | undefined {
    const entry = this.#entries.shift();
    if (!entry) return this.#takeUnseen();
    const { source } = entry;
    const frame = this.#made(entry);
    if (!this.isFull) this.#letIn();
    if (!frame) {
      this.#withoutSeen(source, 0);
      return undefined;
    }
    source.taken(frame);
    return { blobId: source.blobId, frame };
  }

  #made({ source, frame }: Entry): Frame | undefined {
    if (frame === 'opened') return source.opening();
    if (frame === 'missed') {
      this.#behind.delete(source);
      return source.missed();
    }
    this.#bytes -= bytesOf(frame);
    return frame;
  }

  #takeUnseen(): Sent | undefined {
    for (const source of this.#unseen) {
      this.#unseen.delete(source);
      const frame = source.presence();
      if (frame) return { blobId: source.blobId, frame };
    }
    return undefined;
  }

  /** Before the answers that come after its first missed update: they say that all up to their version was sent. */
  #leaveBehind(latest: FrameSource): void {
    const kept: Entry[] = [];
    const behind = (source: FrameSource): void => {
      if (this.#behind.has(source)) return;
      this.#behind.add(source);
      kept.push({ source, frame: 'missed' });
    };
    for (const entry of this.#entries) {
      const kind = typeof entry.frame === 'string' ? entry.frame : entry.frame.kind;
      if (kind === 'update') behind(entry.source);
      else if (kind === 'awareness') this.#unseen.add(entry.source);
      else kept.push(entry);
    }
    behind(latest);
    this.#entries = kept;
    this.#bytes = kept.reduce((sum, { frame }) => sum + (typeof frame === 'string' ? 0 : bytesOf(frame)), 0);
  }

  /** G6: a frame that was to be made is not sent, so the answers behind it must not say that all up to them was. */
  #withoutSeen(source: FrameSource, from: number): void {
    this.#entries = this.#entries.map((entry, index) => {
      const { frame } = entry;
      if (index < from || entry.source !== source || typeof frame === 'string') return entry;
      return frame.kind === 'committed' ? { source, frame: { ...frame, seen: false } } : entry;
    });
  }

  #letIn(): void {
    for (const resolve of this.#roomy.splice(0)) resolve();
  }
}
