/** Overlays of a security test, what they refused, and hostile clients. */
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { nodeClock, silentLogger } from "@foundation/core";
import { memoryMeter } from "@foundation/core/testing";
import { realTime, until } from "@foundation/testkit";
import type { Overlay, OverlayOptions } from "../../src/index.js";
import { startOverlay } from "./overlay-cluster.js";

export class SecurityNodes {
  readonly time = realTime(nodeClock());
  readonly meter = memoryMeter();
  readonly #open: { close(): unknown }[] = [];

  async start(options: Partial<OverlayOptions> = {}): Promise<Overlay> {
    const runtime = { logger: silentLogger(), meter: this.meter, ...options.runtime };
    const overlay = await startOverlay({ tls: "psk", ...options, runtime });
    this.#open.push(overlay);
    return overlay;
  }

  /** To be closed at the end of the test. */
  keep<T extends { close(): unknown }>(one: T): T {
    this.#open.push(one);
    return one;
  }

  async linked(a: Overlay, b: Overlay): Promise<void> {
    const sees = (one: Overlay, other: Overlay) =>
      one.membership.member(other.self.id)?.boot === other.self.boot;
    await until(this.time, "the two are members of each other", () => sees(a, b) && sees(b, a));
  }

  async refused(overlay: Overlay, code: string): Promise<void> {
    await until(this.time, `${code} is counted`, () => codesOf(overlay).includes(code));
  }

  /** A bare TCP connection. */
  tcp(address: string, localAddress?: string): Socket {
    const { hostname, port } = new URL(address);
    const host = hostname.replace(/^\[|\]$/g, "");
    const options = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ host, port: Number(port), ...options });
    socket.on("error", () => {});
    this.keep({ close: () => socket.destroy() });
    return socket;
  }

  /** A bare TLS connection; the promise gives the socket once the handshake is done, or the error. */
  tls(address: string, options: ConnectionOptions): Promise<TLSSocket | Error> {
    const { hostname, port } = new URL(address);
    const socket = connectTls({ host: hostname, port: Number(port), ...options });
    this.keep({ close: () => socket.destroy() });
    return new Promise((resolve) => {
      socket.once("secureConnect", () => resolve(socket));
      socket.on("error", resolve);
    });
  }

  limit(name: string): number {
    const value = this.meter.snapshot().get(`overlay_stranger_limits_total{limit="${name}"}`);
    return typeof value === "number" ? value : 0;
  }

  async close(): Promise<void> {
    for (const one of this.#open.splice(0).toReversed()) await one.close();
  }
}

/** `inbound ERR_X` and `outbound ERR_X`, as refused so far. */
export function codesOf(overlay: Overlay): string[] {
  return overlay.refusals().map(({ code, direction }) => `${direction} ${code}`);
}

export function messageOf(overlay: Overlay, code: string): string {
  const found = overlay.refusals().find((each) => `${each.direction} ${each.code}` === code);
  return found?.lastMessage ?? "";
}

/** How a request for an upgrade looks, line by line. */
export function upgradeLines(address: string): string[] {
  const key = Buffer.alloc(16).toString("base64");
  const { host } = new URL(address);
  return [
    "GET /_foundation HTTP/1.1",
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: foundation.1",
  ];
}

/** An address of this machine that is not loopback. */
export function outsideAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

export function ended(socket: Socket): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => socket.resume().once("close", () => resolve()));
}
