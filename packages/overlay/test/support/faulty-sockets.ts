/**
 * FaultySockets: real WebSockets on loopback with what a network does to them: delay, addresses that cannot be dialled,
 * links that carry nothing one way, and partitions. What is held back arrives when the fault is over, as over TCP.
 */
import { coreErrors, nodeClock, type Clock } from "@foundation/core";
import type { Connection, Transport } from "@foundation/core/ports";
import { websocketTransport } from "../../src/index.js";

/** What a connection does not carry now. */
type Holds = "sends" | "arrivals" | "all";

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
  readonly #unanswered = new Set<{ resolve(): void }>();
  readonly #silenced = new Map<string, Holds>();

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
   * Between this node and the addresses nothing passes any more, on connections that it dialled: no frame, no end, no
   * dial. The other nodes have to be told the same of this one's address. Until `speak`.
   */
  cutOff(addresses: readonly string[]): void {
    for (const address of addresses) this.#holdAll(address, "all");
  }

  /**
   * On connections that this node dialled to the address, nothing it sends leaves, or nothing arrives, until `speak`.
   */
  silence(address: string, what: "sends" | "arrivals"): void {
    this.#holdAll(address, what);
  }

  #holdAll(address: string, what: Holds): void {
    this.#silenced.set(address, what);
    for (const held of this.#dialled.get(address) ?? []) held.holds = what;
  }

  speak(): void {
    this.#silenced.clear();
    for (const waiting of this.#unanswered) waiting.resolve();
    this.#unanswered.clear();
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
    if (this.#silenced.get(address) === "all") await this.#carried(address, signal);
    const held = this.#wrap(await this.#inner.dial(address, { signal }));
    held.holds = this.#silenced.get(address);
    const connections = this.#dialled.get(address) ?? new Set<Held>();
    this.#dialled.set(address, connections.add(held));
    void held.outer.closed.then(() => connections.delete(held));
    return held.outer;
  }

  /** Until something passes again, as the first packet of a connection is repeated until it is answered. */
  #carried(address: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve };
      this.#unanswered.add(waiting);
      signal.addEventListener("abort", () => {
        if (!this.#unanswered.delete(waiting)) return;
        const reason = "nothing passes";
        const details = { address, reason };
        reject(coreErrors.ERR_DIAL_FAILED(`Could not reach ${address}: ${reason}`, details));
      });
    });
  }

  #wrap(connection: Connection): Held {
    return new Held(connection, this.#clock, this.delayMs);
  }
}

/** A connection that can be told to hold back what is sent, or what arrives. */
class Held {
  readonly outer: Connection;
  holds: Holds | undefined;
  readonly #kept: (() => void)[] = [];

  constructor(inner: Connection, clock: Clock, delayMs: number) {
    const later = (act: () => void): void => {
      if (delayMs > 0) clock.setTimer(delayMs, act);
      else act();
    };
    const send: Connection["send"] = (frame, released) =>
      later(() => this.#pass("sends", () => inner.send(frame, released)));
    const close: Connection["close"] = (end) =>
      later(() => {
        if (this.holds === "all") this.#kept.push(() => inner.close(end));
        else inner.close(end);
      });
    const closed = inner.closed.then(
      (end) =>
        new Promise<typeof end>((resolve) => {
          if (this.holds === "all") this.#kept.push(() => resolve(end));
          else resolve(end);
        }),
    );
    const onFrame: Connection["onFrame"] = (receive) =>
      inner.onFrame((frame) => {
        // Its memory may be used again once this call returns.
        const isKept = this.holds === "arrivals" || this.holds === "all";
        const kept = isKept ? frame.slice() : frame;
        this.#pass("arrivals", () => receive(kept));
      });
    this.outer = new Proxy(inner, {
      get: (target, key) => {
        if (key === "send") return send;
        if (key === "close") return close;
        if (key === "onFrame") return onFrame;
        if (key === "closed") return closed;
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
    if (this.holds === what || this.holds === "all") this.#kept.push(pass);
    else pass();
  }
}
