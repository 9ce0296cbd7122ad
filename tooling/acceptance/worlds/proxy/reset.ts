/**
 * Resets a connection: the peer sees ECONNRESET, not an end.
 *
 * Node's `resetAndDestroy` in the moment between `end()` and the FIN fails with EINVAL and leaves the handle open for
 * ever: the socket never closes, and the process can no longer exit. In that moment a plain end must do.
 */
import type { Socket } from "node:net";

export function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
