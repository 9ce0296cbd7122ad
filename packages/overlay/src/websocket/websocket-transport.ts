/**
 * websocketTransport: the Transport port on the `ws` package (RFC 6455), loopback only in this
 * version.
 *
 * WebSockets because they pass what people put before their services, and because `ws` frames,
 * checks and closes properly; what it does not do (identity, batching, backpressure) is the
 * overlay's.
 */
import { coreErrors, type Connection, type Transport } from "@foundation/core";
import { WebSocket } from "ws";
import { FRAME } from "../limits.js";
import { dialFailed, urlOf } from "./hosts.js";
import { PATH, socketOptions, SUBPROTOCOL, UPGRADE_TIMEOUT_MS } from "./options.js";
import { WebSocketConnection } from "./websocket-connection.js";
import { WebSocketListener, type OnRefusedUpgrade } from "./websocket-listener.js";

/** Options of the transport. */
export interface WebSocketTransportOptions {
  /** The largest frame either side accepts, in bytes. @default 1 MiB */
  readonly frameBytesMax?: number;
  /**
   * Told of every HTTP upgrade that was refused (a browser's Origin, another path or subprotocol).
   */
  readonly onRefused?: OnRefusedUpgrade;
  /**
   * All that an accepted connection may send before `admit`, in bytes; then it is closed with the
   * reason "protocol". Needs somebody who calls `admit`. @default not bounded
   */
  readonly strangerBytesMax?: number;
}

/** A transport that can hold strangers to less than members. */
export interface WebSocketTransport extends Transport {
  /** The other side of a connection has proved who it is: `strangerBytesMax` binds it no more. */
  admit(connection: Connection): void;
}

/**
 * A transport of WebSockets on loopback.
 *
 * @example
 * ```ts
 * import { websocketTransport } from "@foundation/overlay"
 *
 * const transport = websocketTransport()
 * const listener = await transport.listen({ host: "127.0.0.1", port: 0 }, (connection) => connection.close())
 * await listener.close()
 * ```
 */
export function websocketTransport(options: WebSocketTransportOptions = {}): WebSocketTransport {
  const { frameBytesMax = FRAME.bytesMax, strangerBytesMax, onRefused } = options;
  return {
    frameBytesMax,
    async listen(listenOptions, onConnection) {
      const listener = new WebSocketListener(
        { frameBytesMax, strangerBytesMax, onRefused },
        onConnection,
      );
      await listener.listen(listenOptions);
      return listener;
    },
    dial: (address, { signal }) => dial(address, signal, frameBytesMax),
    admit(connection) {
      if (connection instanceof WebSocketConnection) connection.admit();
    },
  };
}

function dial(address: string, signal: AbortSignal, frameBytesMax: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw dialFailed(address, "it was aborted");
    const socket = new WebSocket(urlOf(address, PATH), [SUBPROTOCOL], {
      ...socketOptions(frameBytesMax),
      handshakeTimeout: UPGRADE_TIMEOUT_MS,
      // A zero mask makes masking the identity, so `ws` sends our bytes as they are. Masks protect
      // caches between
      // browsers and servers from scripts; both ends here are nodes.
      generateMask: zeroMask,
    });
    const connection = new WebSocketConnection(socket, address, frameBytesMax);
    let settled = false;
    const fail = (error: Error) => {
      settled = true;
      signal.removeEventListener("abort", abort);
      reject(error);
    };
    const abort = () => {
      fail(dialFailed(address, "it was aborted"));
      socket.terminate();
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (!settled) fail(dialError(address, error));
    });
    socket.once("open", () => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", abort);
      resolve(connection);
    });
  });
}

function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

function dialError(address: string, error: NodeJS.ErrnoException): Error {
  if (error.code === "ECONNREFUSED") {
    return coreErrors.ERR_DIAL_REFUSED(
      `Nobody listens at ${address}: the node there is not running, or the address is wrong.`,
      { address },
      error,
    );
  }
  return dialFailed(address, error.message, error);
}
