/** The sockets and HTTP/2 sessions of the one port: their timeouts, their pings, their end. */
import { FIRST_BYTE_MS_MAX, PING_EVERY_MS } from '../../limits.ts';
import type { Http2Session, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

export class Connections {
  /** Each with the timer that closes it while it has not said what it speaks. */
  readonly #sockets = new Map<Socket, NodeJS.Timeout>();
  readonly #sessions = new Map<Http2Session, { unanswered: boolean }>();
  #pinging: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#sockets.size;
  }

  /** May be told of one socket twice: the library hands listeners of the port down to its inner servers. */
  accept(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    // Without it, Nagle's algorithm and delayed acknowledgements stall small replies for 44 ms.
    socket.setNoDelay(true);
    // HTTP/1.1 has no pings of its own: a quiet stream's peer that vanished is found by TCP.
    socket.setKeepAlive(true, PING_EVERY_MS);
    const silent = setTimeout(() => socket.destroy(), FIRST_BYTE_MS_MAX).unref();
    this.#sockets.set(socket, silent);
    socket.once('close', () => {
      clearTimeout(silent);
      this.#sockets.delete(socket);
    });
  }

  /** The connection has said what it speaks; from here on that protocol's own timeouts hold. */
  identified(socket: Socket): void {
    clearTimeout(this.#sockets.get(socket));
  }

  addSession(session: ServerHttp2Session): void {
    this.#sessions.set(session, { unanswered: false });
    session.once('close', () => this.#sessions.delete(session));
    session.on('error', () => session.destroy());
    this.#pinging ??= setInterval(() => this.#pingAll(), PING_EVERY_MS).unref();
  }

  /** GOAWAY: the calls under way go on, new ones go elsewhere. */
  closeSessions(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  destroyAll(): void {
    clearInterval(this.#pinging);
    for (const session of this.#sessions.keys()) session.destroy();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  /** Streams may be silent for hours, so a peer that vanished is found by asking. */
  #pingAll(): void {
    for (const [session, state] of this.#sessions) {
      if (state.unanswered) {
        session.destroy();
        continue;
      }
      state.unanswered = true;
      session.ping((error) => {
        if (!error) state.unanswered = false;
      });
    }
  }
}
