/** A server's WebSocket that tells an editor by a code of close-codes.ts that its message is too long. */
import { WebSocket } from 'ws';
import { StudioError } from '../../errors.ts';
import { closeCode, closeReason } from './close-codes.ts';

/** RFC 6455, as ws closes a socket with a message over its bound; the stock provider would bring the same one for ever. */
const MESSAGE_TOO_BIG = 1009;

export class EditorWebSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    if (code !== MESSAGE_TOO_BIG) super.close(code, data);
    else {
      const failure = messageTooLarge();
      super.close(closeCode(failure), closeReason(failure));
    }
  }
}

export function messageTooLarge(): StudioError {
  const limit = 'SYNC_MESSAGE_BYTES_MAX';
  return new StudioError('CONTENT_TOO_LARGE', 'One change of an editor is bounded.', { limit });
}
