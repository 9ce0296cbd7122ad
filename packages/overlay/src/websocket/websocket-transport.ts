/**
 * websocketTransport: the Transport port on the `ws` package (RFC 6455), with TLS 1.3 beyond
 * loopback.
 *
 * WebSockets because they pass what people put before their services, and because `ws` frames,
 * checks and closes properly; what it does not do (identity, batching, backpressure) is the
 * overlay's.
 */
import type { ConnectionOptions, SecureContext, TLSSocket } from "node:tls";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  coreErrors,
  type Connection,
  type Logger,
  type Secret,
  type Transport,
} from "@foundation/core";
import { WebSocket } from "#ws";
import { FRAME } from "../limits.js";
import { dialFailed, dialTargetOf, type DialTarget } from "./hosts.js";
import { PATH, socketOptions, SUBPROTOCOL, UPGRADE_TIMEOUT_MS } from "./options.js";
import { dialRefusal, type OnRefused } from "./refused.js";
import { bindingOf, clientTls, contextOf, type TransportTls } from "./transport-tls.js";
import { WebSocketConnection } from "./websocket-connection.js";
import { WebSocketListener } from "./websocket-listener.js";
import { YoungCollection } from "./young-collection.js";

/** Options of the transport. */
export interface WebSocketTransportOptions {
  /** The largest frame either side accepts, in bytes. @default 1 MiB */
  readonly frameBytesMax?: number;
  /** TLS 1.3 by the cluster's secret or by certificates. @default none: loopback only */
  readonly tls?: TransportTls;
  /** What a listener announces: `host` or `host:port`. @default what it is bound to */
  readonly advertise?: string;
  /** Told of every connection that was refused before its first frame. */
  readonly onRefused?: OnRefused;
  /** Told of the name of each limit that ended a connection. */
  readonly onLimit?: (limit: string) => void;
  /** Told what is announced where a listener is bound to every address. */
  readonly logger?: Logger;
  /**
   * All that an accepted connection may send before `admit`, in bytes; then it is closed with the
   * reason "protocol". Needs somebody who calls `admit`: until then a connection counts as a
   * stranger's. @default not bounded, and nobody is a stranger
   */
  readonly strangerBytesMax?: number;
  /**
   * While tens of megabytes a second come in, the young part of the heap is collected a little
   * earlier than by itself, which keeps V8 from collecting all of it. @default true
   */
  readonly collectsYoung?: boolean;
}

/** A transport that can hold strangers to less than members. */
export interface WebSocketTransport extends Transport {
  /** The other side of a connection has proved who it is: the limits of strangers bind it no more. */
  admit(connection: Connection): void;
}

/**
 * A transport of WebSockets: on loopback, or with TLS anywhere.
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
  const { frameBytesMax = FRAME.bytesMax, strangerBytesMax, onRefused, onLimit } = options;
  const { tls, advertise, logger, collectsYoung = true } = options;
  const garbage = collectsYoung ? new YoungCollection() : undefined;
  const dialer = new Dialer(frameBytesMax, tls, onRefused, onLimit, garbage);
  return {
    frameBytesMax,
    async listen(listenOptions, onConnection) {
      const limits = { frameBytesMax, strangerBytesMax, onRefused, onLimit };
      const listener = new WebSocketListener({ ...limits, tls, advertise, garbage }, onConnection);
      await listener.listen(listenOptions);
      const { by } = listener.advertised;
      const fields = { address: listener.address, by };
      if (by === "interface") logger?.info("announces the first address of this machine", fields);
      if (by === "loopback") {
        logger?.warn(
          "this machine has no address that others could dial, so only its own nodes will find this one: set advertise",
          fields,
        );
      }
      return listener;
    },
    dial: (address, { signal }) => dialer.dial(address, signal),
    admit(connection) {
      if (connection instanceof WebSocketConnection) connection.admit();
    },
  };
}

/** Addresses whose key is remembered. */
const KEYS_MAX = 1_000;

class Dialer {
  readonly #frameBytesMax: number;
  readonly #tls: TransportTls | undefined;
  readonly #context: SecureContext | undefined;
  readonly #onRefused: OnRefused | undefined;
  readonly #onLimit: ((limit: string) => void) | undefined;
  readonly #garbage: YoungCollection | undefined;
  /** Where not the first key of a ring was the one that is known there. */
  readonly #keys = new Map<string, { readonly ring: readonly Secret[]; readonly secret: Secret }>();

  constructor(
    frameBytesMax: number,
    tls: TransportTls | undefined,
    onRefused: OnRefused | undefined,
    onLimit: ((limit: string) => void) | undefined,
    garbage: YoungCollection | undefined,
  ) {
    this.#frameBytesMax = frameBytesMax;
    this.#tls = tls;
    this.#context = tls === undefined ? undefined : contextOf(tls);
    this.#onRefused = onRefused;
    this.#onLimit = onLimit;
    this.#garbage = garbage;
  }

  /**
   * With TLS by a secret: with the first key of the ring, and while that is not known there, with
   * the next. So nodes in different rounds of an exchange link by whatever key both have.
   */
  async dial(address: string, signal: AbortSignal): Promise<Connection> {
    const target = dialTargetOf(address, PATH, this.#tls !== undefined);
    const secrets = target.scheme === "wss" ? this.#secretsFor(address) : [undefined];
    for (const [at, secret] of secrets.entries()) {
      if (signal.aborted) break;
      const problem = await this.#attempt(address, target, secret, signal);
      if (!("error" in problem)) {
        if (secret !== undefined) this.#remember(address, secret);
        return problem.connection;
      }
      const refused = dialRefusal(problem.error);
      if (refused?.code === "ERR_WRONG_SECRET" && at + 1 < secrets.length) continue;
      if (refused === undefined) throw dialError(address, problem.error);
      this.#onRefused?.({ ...refused, direction: "outbound", remote: address });
      throw dialFailed(address, refused.reason, problem.error);
    }
    throw dialFailed(address, "it was aborted");
  }

  #secretsFor(address: string): readonly (Secret | undefined)[] {
    if (this.#tls?.type !== "psk") return [undefined];
    const { secrets } = this.#tls.keys;
    const known = this.#keys.get(address);
    if (known?.ring !== secrets) return secrets;
    return [known.secret, ...secrets.filter((each) => each !== known.secret)];
  }

  #remember(address: string, secret: Secret): void {
    if (this.#tls?.type !== "psk") return;
    const ring = this.#tls.keys.secrets;
    this.#keys.delete(address);
    if (ring[0] === secret) return;
    this.#keys.set(address, { ring, secret });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > KEYS_MAX && oldest !== undefined) this.#keys.delete(oldest);
  }

  #attempt(
    address: string,
    { url, lookup, scheme }: DialTarget,
    secret: Secret | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly connection: Connection } | { readonly error: Error }> {
    return new Promise((resolve) => {
      const socket = new WebSocket(url, [SUBPROTOCOL], {
        ...socketOptions(this.#frameBytesMax),
        ...(scheme === "wss" ? this.#secureOptions(secret) : {}),
        lookup,
        handshakeTimeout: UPGRADE_TIMEOUT_MS,
        // A zero mask makes masking the identity, so `ws` sends our bytes as they are. Masks protect
        // caches between browsers and servers from scripts; both ends here are nodes.
        generateMask: zeroMask,
      });
      const connection = new WebSocketConnection(
        socket,
        address,
        this.#frameBytesMax,
        this.#onLimit,
        this.#garbage,
      );
      let settled = false;
      const settle = (outcome: { connection: Connection } | { error: Error }) => {
        settled = true;
        signal.removeEventListener("abort", abort);
        resolve(outcome);
      };
      const abort = () => {
        settle({ error: dialFailed(address, "it was aborted") });
        socket.terminate();
      };
      signal.addEventListener("abort", abort, { once: true });
      socket.once("error", (error) => {
        if (!settled) settle({ error });
      });
      let stream: Duplex | undefined;
      socket.once("upgrade", (response: IncomingMessage) => {
        stream = response.socket;
        connection.writeTo(stream, true);
        if (scheme === "wss") connection.bind(bindingOf(response.socket as TLSSocket));
      });
      socket.once("open", () => {
        if (stream !== undefined) connection.readFrom(stream, false);
        if (!settled) settle({ connection });
      });
    });
  }

  #secureOptions(secret: Secret | undefined): ConnectionOptions {
    return clientTls(this.#tls as TransportTls, this.#context as SecureContext, secret);
  }
}

function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

function dialError(address: string, error: NodeJS.ErrnoException): Error {
  if (error.code === "ERR_DIAL_FAILED") return error;
  if (error.code === "ECONNREFUSED") {
    return coreErrors.ERR_DIAL_REFUSED(
      `Nobody listens at ${address}: the node there is not running, or the address is wrong.`,
      { address },
      error,
    );
  }
  return dialFailed(address, error.message, error);
}
