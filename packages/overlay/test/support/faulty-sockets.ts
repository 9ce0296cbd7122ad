/**
 * FaultySockets: real WebSockets on loopback with what a network does to them: delay, addresses that cannot be dialled,
 * and links that carry nothing one way. What is held back arrives when the fault is over, as over TCP.
 */
import { coreErrors, nodeClock, type Clock } from "@foundation/core";
import type { Connection, Transport } from "@foundation/core/ports";
import { websocketTransport } from "../../src/index.js";

export class FaultySockets {
  readonly transport: Transport;
  /** Of each frame that this node sends, in milliseconds. */
  readonly delayMs: number;
  /** Addresses that do not answer this node. */
  readonly unreachable = new Set<string>();
  readonly #clock: Clock = nodeClock();
  readonly #inner = websocketTransport();
  /** By the address that was dialled. */
  readonly #dialled = new Map<string, Set<Held>>();
  readonly #silenced = new Map<string, "sends" | "arrivals">();

  constructor(options: { readonly delayMs?: number } = {}) {
    this.delayMs = options.delayMs ?? 0;
    const { frameBytesMax } = this.#inner;
    this.transport = {
      frameBytesMax,
      listen: (listening, onConnection) =>
        this.#inner.listen(listening, (connection) => onConnection(this.#wrap(connection).outer)),
      dial: (address, options) => this.#dial(address, options.signal),
    };
  }

  /**
   * On connections that this node dialled to the address, nothing it sends leaves, or nothing arrives, until `speak`.
   */
  silence(address: string, what: "sends" | "arrivals"): void {
    this.#silenced.set(address, what);
    for (const held of this.#dialled.get(address) ?? []) held.holds = what;
  }

  speak(): void {
    this.#silenced.clear();
    for (const connections of this.#dialled.values()) {
      for (const held of connections) held.release();
    }
  }

  async #dial(address: string, signal: AbortSignal): Promise<Connection> {
    if (this.unreachable.has(address)) {
      const reason = "no packet of this node gets there";
      throw coreErrors.ERR_DIAL_FAILED(`Could not reach ${address}: ${reason}`, {
        address,
        reason,
      });
    }
    const held = this.#wrap(await this.#inner.dial(address, { signal }));
    held.holds = this.#silenced.get(address);
    const connections = this.#dialled.get(address) ?? new Set<Held>();
    this.#dialled.set(address, connections.add(held));
    void held.outer.closed.then(() => connections.delete(held));
    return held.outer;
  }

  #wrap(connection: Connection): Held {
    return new Held(connection, this.#clock, this.delayMs);
  }
}

/** A connection that can be told to hold back what is sent, or what arrives. */
class Held {
  readonly outer: Connection;
  holds: "sends" | "arrivals" | undefined;
  readonly #kept: (() => void)[] = [];

  constructor(inner: Connection, clock: Clock, delayMs: number) {
    const later = (act: () => void): void => {
      if (delayMs > 0) clock.setTimer(delayMs, act);
      else act();
    };
    const send: Connection["send"] = (frame, released) =>
      later(() => this.#pass("sends", () => inner.send(frame, released)));
    const close: Connection["close"] = (end) => later(() => inner.close(end));
    const onFrame: Connection["onFrame"] = (receive) =>
      inner.onFrame((frame) => {
        // Its memory may be used again once this call returns.
        const kept = this.holds === "arrivals" ? frame.slice() : frame;
        this.#pass("arrivals", () => receive(kept));
      });
    this.outer = new Proxy(inner, {
      get: (target, key) => {
        if (key === "send") return send;
        if (key === "close") return close;
        if (key === "onFrame") return onFrame;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  }

  release(): void {
    this.holds = undefined;
    for (const pass of this.#kept.splice(0)) pass();
  }

  #pass(what: "sends" | "arrivals", pass: () => void): void {
    if (this.holds === what) this.#kept.push(pass);
    else pass();
  }
}
