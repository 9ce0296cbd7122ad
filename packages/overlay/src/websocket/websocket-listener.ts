/**
 * WebSocketListener: an HTTP server that does nothing but upgrade to our subprotocol, on our path,
 * for anything but a browser. Every limit against strangers that can be set before the handshake of
 * the overlay is set here.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { coreErrors, type Connection, type Listener, type ListenOptions } from "@foundation/core";
import { WebSocketServer } from "ws";
import { LINK } from "../limits.js";
import { addressOf, checkListenHost } from "./hosts.js";
import { PATH, SERVER, socketOptions, SUBPROTOCOL } from "./options.js";
import { WebSocketConnection } from "./websocket-connection.js";

/** Told of every upgrade that was refused, so that it can be counted. */
export type OnRefusedUpgrade = (
  code: "ERR_BROWSER_ORIGIN" | "ERR_HANDSHAKE_MALFORMED",
  remote: string,
) => void;

export interface ListenerOptions {
  readonly frameBytesMax: number;
  /** All that a connection may send before it is admitted. */
  readonly strangerBytesMax: number | undefined;
  readonly onRefused: OnRefusedUpgrade | undefined;
}

export class WebSocketListener implements Listener {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<WebSocketConnection>();
  #closing: Promise<void> | undefined;
  address = "";

  constructor(
    { frameBytesMax, strangerBytesMax, onRefused }: ListenerOptions,
    onConnection: (connection: Connection) => void,
  ) {
    this.#server = createServer(
      {
        headersTimeout: SERVER.headersTimeoutMs,
        requestTimeout: SERVER.requestTimeoutMs,
        connectionsCheckingInterval: SERVER.checkIntervalMs,
        maxHeaderSize: SERVER.headerBytesMax,
      },
      (_request, response) => {
        response.writeHead(426, { "content-type": "text/plain", connection: "close" });
        response.end("This port belongs to a Foundation node; it is not for browsers.\n");
      },
    );
    this.#server.maxConnections = SERVER.connectionsMax;
    this.#server.maxHeadersCount = SERVER.headersMax;
    this.#sockets = new WebSocketServer({
      ...socketOptions(frameBytesMax),
      noServer: true,
      clientTracking: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#server.on("upgrade", (request, socket, head) => {
      const refusal = judgeUpgrade(request);
      if (refusal !== undefined) {
        refuseUpgrade(socket, refusal.status, refusal.text);
        onRefused?.(refusal.code, remoteOf(request));
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const connection = new WebSocketConnection(webSocket, remoteOf(request), frameBytesMax);
        if (strangerBytesMax !== undefined) connection.restrict(socket, strangerBytesMax);
        this.#connections.add(connection);
        void connection.closed.then(() => this.#connections.delete(connection));
        if (this.#closing !== undefined) connection.close();
        else onConnection(connection);
      });
    });
  }

  /** @throws {ERR_INSECURE_LISTEN} @throws {ERR_ADDRESS_IN_USE} @throws {ERR_ADDRESS_INVALID} */
  async listen({ host, port }: ListenOptions): Promise<void> {
    checkListenHost(host);
    await new Promise<void>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port));
      this.#server.once("error", fail);
      try {
        this.#server.listen({ host, port, exclusive: true }, () => {
          this.#server.off("error", fail);
          resolve();
        });
      } catch (error) {
        fail(error as NodeJS.ErrnoException);
      }
    });
    // A later error (out of descriptors) concerns one connection, not the listener.
    this.#server.on("error", () => {});
    const bound = this.#server.address() as AddressInfo;
    this.address = addressOf(host === "localhost" ? host : bound.address, bound.port);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const freed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    const open = [...this.#connections];
    for (const connection of open) connection.close();
    this.#server.closeAllConnections();
    const timer = setTimeout(() => {
      for (const connection of open) connection.terminate();
    }, LINK.closeTimeoutMs);
    await Promise.all(open.map((connection) => connection.closed));
    clearTimeout(timer);
    await freed;
  }
}

function judgeUpgrade(
  request: IncomingMessage,
):
  | { status: string; text: string; code: "ERR_BROWSER_ORIGIN" | "ERR_HANDSHAKE_MALFORMED" }
  | undefined {
  if (request.headers.origin !== undefined) {
    const text =
      "Pages may not open connections to a Foundation node: a request with an Origin is refused.";
    return { status: "403 Forbidden", text, code: "ERR_BROWSER_ORIGIN" };
  }
  if (request.url !== PATH) {
    return {
      status: "404 Not Found",
      text: `Only ${PATH} exists here.`,
      code: "ERR_HANDSHAKE_MALFORMED",
    };
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((name) => name.trim());
  if (!offered.includes(SUBPROTOCOL)) {
    const text = `The subprotocol ${SUBPROTOCOL} was not offered.`;
    return { status: "400 Bad Request", text, code: "ERR_HANDSHAKE_MALFORMED" };
  }
  return undefined;
}

function refuseUpgrade(socket: Duplex, status: string, text: string): void {
  socket.on("error", () => {});
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n`;
  socket.end(`${head}Content-Length: ${text.length + 1}\r\n\r\n${text}\n`, () => socket.destroy());
}

function remoteOf(request: IncomingMessage): string {
  const { remoteAddress = "unknown", remotePort = 0 } = request.socket;
  return `${remoteAddress}:${remotePort}`;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return coreErrors.ERR_ADDRESS_IN_USE(
      `Port ${port} on ${host} is taken by another process: stop it, choose another port, or 0 for any free one.`,
      { host, port },
      error,
    );
  }
  const address = `${host}:${port}`;
  return coreErrors.ERR_ADDRESS_INVALID(
    `Cannot listen on ${address}: ${error.message}`,
    { address, reason: error.message },
    error,
  );
}
