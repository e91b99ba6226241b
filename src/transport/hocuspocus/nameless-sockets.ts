import { StudioError } from '../../errors.ts';
import { SYNC_NAMELESS_BYTES_MAX } from '../../limits.ts';
import type { Duplex } from 'node:stream';

export interface NamelessSocket {
  /** A token came and is being looked at. */
  readonly isBeingNamed: boolean;
  end(error: unknown): void;
}

/**
 * G7: sockets on which nobody has said who they are yet. The oldest gives way, first of those whose word is not being
 * looked at: an editor says it within moments, so those who never do can't keep others out.
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
    const oldest = this.#sockets.size >= this.#max ? this.#oldest() : undefined;
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

  #oldest(): NamelessSocket | undefined {
    let oldest: NamelessSocket | undefined;
    for (const socket of this.#sockets) {
      if (!socket.isBeingNamed) return socket;
      oldest ??= socket;
    }
    return oldest;
  }
}
