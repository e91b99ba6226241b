import { StudioError } from '../../errors.ts';
import { SYNC_NAMELESS_BYTES_MAX } from '../../limits.ts';
import type { Duplex } from 'node:stream';

export interface NamelessSocket {
  end(error: unknown): void;
}

/**
 * G7: sockets on which nobody has said who they are yet. The oldest gives way: an editor says it within moments, so those
 * who never do can't keep others out.
 */
export class NamelessSockets {
  readonly #sockets = new Set<NamelessSocket>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Returns what is called once it is known who it is. `onFull`: more has come on it than may before that, of a message
   * that is not whole yet as well.
   */
  add(socket: NamelessSocket, raw: Duplex, onFull: () => void): () => void {
    const [oldest] = this.#sockets.size >= this.#max ? this.#sockets : [];
    if (oldest) {
      this.#sockets.delete(oldest);
      const limit = 'SYNC_NAMELESS_SOCKETS_MAX';
      oldest.end(new StudioError('LIMIT_EXCEEDED', 'Too many wait to say who they are.', { limit }));
    }
    this.#sockets.add(socket);
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.byteLength;
      if (bytes > SYNC_NAMELESS_BYTES_MAX) onFull();
    };
    raw.on('data', count);
    return () => {
      raw.off('data', count);
      this.#sockets.delete(socket);
    };
  }
}
