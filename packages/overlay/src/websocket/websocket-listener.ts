/**
 * WebSocketListener: an HTTP server, over TLS or not, that does nothing but upgrade to our
 * subprotocol, on our path, for anything but a browser.
 *
 * Every limit against strangers that can be set before the handshake of the overlay is set here. A
 * connection is a guest of the doorkeeper from its first packet to its end, and a stranger until
 * the layer above says who it is.
 *
 * Invariant: each TCP connection is one guest, whatever becomes of it.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { coreErrors, type Connection, type Listener, type ListenOptions } from "@foundation/core";
import { WebSocketServer } from "#ws";
import { DOOR, LINK } from "../limits.js";
import { Doorkeeper, type DoorLimit, type Guest } from "../protocol/doorkeeper.js";
import { advertisedOf, type Advertised } from "./advertise.js";
import { addressOf, checkListenHost, neighbourhoodOf, type Scheme } from "./hosts.js";
import { PATH, SERVER, socketOptions, SUBPROTOCOL } from "./options.js";
import { httpRefusal, isFailure, tlsRefusal, type OnRefused, type Refused } from "./refused.js";
import { bindingOf, namesCluster, serverTls, type TransportTls } from "./transport-tls.js";
import { WebSocketConnection } from "./websocket-connection.js";
import type { YoungCollection } from "./young-collection.js";

export interface ListenerOptions {
  readonly frameBytesMax: number;
  /** All that a connection may send before it is admitted; undefined: nobody is a stranger. */
  readonly strangerBytesMax: number | undefined;
  readonly tls: TransportTls | undefined;
  readonly advertise: string | undefined;
  readonly onRefused: OnRefused | undefined;
  readonly onLimit: ((limit: string) => void) | undefined;
  readonly garbage: YoungCollection | undefined;
}

/** One TCP connection on its way to be a WebSocket. */
interface Visit {
  readonly socket: Socket;
  readonly remote: string;
  stage: "tls" | "http" | "websocket";
}

export class WebSocketListener implements Listener {
  readonly #options: ListenerOptions;
  readonly #scheme: Scheme;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #onConnection: (connection: Connection) => void;
  readonly #connections = new Set<WebSocketConnection>();
  readonly #door = new Doorkeeper<Visit>();
  readonly #visits = new Map<string, Guest<Visit>>();
  #closing: Promise<void> | undefined;
  /** Why nobody is let in for a moment, and the timer that ends it. */
  #shut: { readonly limit: DoorLimit; readonly timer: NodeJS.Timeout } | undefined;
  advertised: Advertised = { host: "", port: 0, by: "bound" };
  address = "";

  /** @throws {ERR_INVALID_ARGUMENT} for certificates that are none. */
  constructor(options: ListenerOptions, onConnection: (connection: Connection) => void) {
    const { tls, frameBytesMax } = options;
    this.#options = options;
    this.#onConnection = onConnection;
    this.#scheme = tls === undefined ? "ws" : "wss";
    const http = {
      headersTimeout: SERVER.headersTimeoutMs,
      requestTimeout: SERVER.requestTimeoutMs,
      connectionsCheckingInterval: SERVER.checkIntervalMs,
      maxHeaderSize: SERVER.headerBytesMax,
    };
    this.#server =
      tls === undefined ? createServer(http) : createTlsServer({ ...http, ...serverTls(tls) });
    this.#server.maxHeadersCount = SERVER.headersMax;
    this.#sockets = new WebSocketServer({
      ...socketOptions(frameBytesMax),
      noServer: true,
      clientTracking: false,
      handleProtocols: () => SUBPROTOCOL,
    });
    this.#listenToServer();
  }

  /** @throws {ERR_INSECURE_LISTEN} @throws {ERR_ADDRESS_IN_USE} @throws {ERR_ADDRESS_INVALID} */
  async listen({ host, port }: ListenOptions): Promise<void> {
    checkListenHost(host, this.#scheme);
    const { advertise } = this.#options;
    if (advertise !== undefined) advertisedOf(advertise, { host, port });
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
    const name = host === "localhost" ? host : bound.address;
    this.advertised = advertisedOf(advertise, { host: name, port: bound.port });
    this.address = addressOf(this.#scheme, this.advertised.host, this.advertised.port);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#shut?.timer);
    const freed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    const open = [...this.#connections];
    for (const connection of open) connection.close();
    for (const { handle } of this.#visits.values()) {
      if (handle.stage !== "websocket") handle.socket.destroy();
    }
    const timer = setTimeout(() => {
      for (const connection of open) connection.terminate();
    }, LINK.closeTimeoutMs);
    await Promise.all(open.map((connection) => connection.closed));
    clearTimeout(timer);
    await freed;
  }

  #listenToServer(): void {
    const server = this.#server;
    server.on("connection", (socket: Socket) => this.#onTcp(socket));
    server.on("drop", (dropped) => {
      const { limit } = this.#shut ?? { limit: "membersMax" };
      this.#tooMany(nameOf(dropped ?? {}), limit);
    });
    server.on("secureConnection", (socket: TLSSocket) => this.#onSecure(socket));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const refused = tlsRefusal(error, socket.authorizationError);
      if (refused !== undefined) this.#refuse(this.#guestOf(socket), nameOf(socket), refused);
    });
    server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
      const refused = httpRefusal(error);
      if (refused !== undefined) this.#refuse(this.#guestOf(socket), nameOf(socket), refused);
      if (refused?.answer === undefined || !socket.writable) return void socket.destroy();
      // Without a word a dialer with TLS could not tell us from a host that is gone.
      socket.end(`HTTP/1.1 ${refused.answer}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
    });
    server.on("request", (_request, response) => {
      response.writeHead(426, { "content-type": "text/plain", connection: "close" });
      response.end("This port belongs to a Foundation node; it is not for browsers.\n");
    });
    server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  #onTcp(socket: Socket): void {
    const remote = nameOf(socket);
    const stage = this.#scheme === "wss" ? "tls" : "http";
    const visit: Visit = { socket, remote, stage };
    const entrance = this.#door.enter(
      visit,
      neighbourhoodOf(socket.remoteAddress),
      performance.now(),
    );
    socket.on("error", () => {});
    if (entrance.type === "refused") {
      socket.resetAndDestroy();
      if (FOR_ALL.has(entrance.limit)) this.#shutDoor(entrance.limit);
      return this.#tooMany(remote, entrance.limit);
    }
    if (entrance.evicted !== undefined) {
      entrance.evicted.handle.socket.destroy();
      this.#tooMany(entrance.evicted.handle.remote, "strangersMax");
    }
    const { guest } = entrance;
    this.#visits.set(remote, guest);
    socket.once("close", () => {
      const ageMs = performance.now() - guest.sinceMs;
      // Node's own timer has ended it; by then its error can no longer tell whose it was.
      if (visit.stage === "tls" && ageMs >= SERVER.tlsTimeoutMs - SERVER.checkIntervalMs) {
        const reason = "it did not finish the TLS handshake in time";
        const limit = "tlsTimeoutMs";
        this.#refuse(guest, remote, { code: "ERR_HANDSHAKE_TIMEOUT", reason, limit });
      }
      if (this.#visits.get(remote) === guest) this.#visits.delete(remote);
      this.#door.leave(guest);
    });
  }

  /**
   * There is no room. The system accepts hundreds of connections in one turn, and each would become
   * a socket with its streams, only to be refused the same way: so Node drops them unseen.
   */
  #shutDoor(limit: DoorLimit): void {
    if (this.#shut !== undefined || this.#closing !== undefined) return;
    const open = () => {
      this.#shut = undefined;
      this.#server.maxConnections = Infinity;
    };
    this.#shut = { limit, timer: setTimeout(open, DOOR.shutMs) };
    this.#server.maxConnections = DROP_ALL;
  }

  #onSecure(socket: TLSSocket): void {
    const guest = this.#guestOf(socket);
    if (guest !== undefined) guest.handle.stage = "http";
    if (this.#trusts(socket)) return;
    const reason = "its certificate does not name this cluster";
    this.#refuse(guest, nameOf(socket), { code: "ERR_CERTIFICATE_REFUSED", reason });
    socket.destroy();
  }

  /** The secret is checked by TLS itself; a certificate of the right authority may be another cluster's. */
  #trusts(socket: TLSSocket): boolean {
    const { tls } = this.#options;
    if (tls?.type !== "certificates") return true;
    return socket.authorized && namesCluster(socket.getPeerX509Certificate()?.raw, tls.cluster);
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { frameBytesMax, strangerBytesMax, onLimit, garbage } = this.#options;
    const socket = request.socket as Socket;
    const guest = this.#guestOf(socket);
    const remote = nameOf(socket);
    const refusal = judgeUpgrade(request);
    if (refusal !== undefined) {
      refuseUpgrade(stream, refusal.status, refusal.text);
      return this.#refuse(guest, remote, refusal);
    }
    this.#sockets.handleUpgrade(request, stream, head, (webSocket) => {
      const connection = new WebSocketConnection(
        webSocket,
        remote,
        frameBytesMax,
        onLimit,
        garbage,
      );
      connection.writeTo(stream, false);
      connection.readFrom(stream, true);
      if (socket instanceof TLSSocket) connection.bind(bindingOf(socket));
      if (guest !== undefined) {
        guest.handle.stage = "websocket";
        if (strangerBytesMax === undefined) this.#door.prove(guest);
        else connection.restrict(stream, strangerBytesMax, () => this.#door.prove(guest));
        void connection.closed.then((end) => {
          if (isFailure(end)) this.#door.fail(guest, performance.now());
        });
      }
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      if (this.#closing !== undefined) connection.close();
      else this.#onConnection(connection);
    });
  }

  #guestOf(socket: Socket): Guest<Visit> | undefined {
    return this.#visits.get(nameOf(socket));
  }

  #refuse(guest: Guest<Visit> | undefined, remote: string, refused: Refused): void {
    if (guest !== undefined && refused.code !== "ERR_BROWSER_ORIGIN") {
      // Before HTTP it is the key for TLS, and another of its keys may be the right one.
      const isKey = refused.code === "ERR_WRONG_SECRET" && guest.handle.stage === "tls";
      this.#door.fail(guest, performance.now(), isKey ? "key" : "rule");
    }
    const { code, reason, limit } = refused;
    if (limit !== undefined) this.#options.onLimit?.(limit);
    this.#options.onRefused?.({ code, direction: "inbound", remote, by: "us", reason });
  }

  #tooMany(remote: string, limit: DoorLimit): void {
    const code = "ERR_TOO_MANY_HANDSHAKES";
    this.#options.onLimit?.(limit);
    const reason = REASONS[limit];
    this.#options.onRefused?.({ code, direction: "inbound", remote, by: "us", reason });
  }
}

/** Where these are reached nobody is taken, whatever the address. */
const FOR_ALL: ReadonlySet<DoorLimit> = new Set([
  "membersMax",
  "strangersMax",
  "strangersPerSecondMax",
]);

/** Node 20 takes 0 for no limit at all. */
const DROP_ALL = -1;

const REASONS: Readonly<Record<DoorLimit, string>> = {
  membersMax: "this node has as many connections as it may",
  strangersMax: "too many connections have proved nothing yet",
  strangersPerAddressMax: "too many connections of its address have proved nothing yet",
  strangersPerSecondMax: "new connections come faster than this node may look at them",
  arrivalsPerSecondMax: "its address opens connections too fast",
  failuresMax: "its address has failed too often; it is not listened to for a minute",
};

function judgeUpgrade(
  request: IncomingMessage,
): (Refused & { status: string; text: string }) | undefined {
  if (request.headers.origin !== undefined) {
    const text =
      "Pages may not open connections to a Foundation node: a request with an Origin is refused.";
    const reason = "the request came from a page in a browser";
    return { status: "403 Forbidden", text, code: "ERR_BROWSER_ORIGIN", reason };
  }
  const code = "ERR_HANDSHAKE_MALFORMED";
  const reason = "it did not ask for this node's path and subprotocol";
  if (request.url !== PATH) {
    return { status: "404 Not Found", text: `Only ${PATH} exists here.`, code, reason };
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((name) => name.trim());
  if (!offered.includes(SUBPROTOCOL)) {
    const text = `The subprotocol ${SUBPROTOCOL} was not offered.`;
    return { status: "400 Bad Request", text, code, reason };
  }
  return undefined;
}

function refuseUpgrade(socket: Duplex, status: string, text: string): void {
  socket.on("error", () => {});
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n`;
  socket.end(`${head}Content-Length: ${text.length + 1}\r\n\r\n${text}\n`, () => socket.destroy());
}

function nameOf({
  remoteAddress = "unknown",
  remotePort = 0,
}: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}): string {
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
