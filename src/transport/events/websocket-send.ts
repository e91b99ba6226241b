import { StudioError } from '../../errors.ts';
import { EVENTS_SOCKET_BUFFER_BYTES_MAX, EVENTS_SOCKET_STALL_MS_MAX } from '../../limits.ts';
import type { WebSocket } from 'ws';

/**
 * Sends, and while the peer leaves too much untaken waits for it to take it: so a slow reader slows its own stream, and
 * holds EVENTS_SOCKET_BUFFER_BYTES_MAX at most. LIMIT_EXCEEDED when it takes nothing for EVENTS_SOCKET_STALL_MS_MAX.
 */
export function sendWhole(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let stalled: NodeJS.Timeout | undefined;
    socket.send(text, (error) => {
      clearTimeout(stalled);
      if (error) reject(error);
      else resolve();
    });
    if (socket.bufferedAmount < EVENTS_SOCKET_BUFFER_BYTES_MAX) resolve();
    else {
      stalled = setTimeout(() => {
        reject(
          new StudioError('LIMIT_EXCEEDED', 'The reader does not keep up.', { limit: 'EVENTS_SOCKET_STALL_MS_MAX' }),
        );
        socket.terminate();
      }, EVENTS_SOCKET_STALL_MS_MAX);
    }
  });
}
