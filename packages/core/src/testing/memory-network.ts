/**
 * MemoryNetwork: hosts whose transports reach each other through virtual time, and the faults between them.
 *
 * It behaves as TCP does. Frames of one direction stay in order whatever the latency. A cut link holds frames back and
 * loses nothing: they arrive after `heal`, unless somebody broke the connection first. A crashed host breaks its
 * connections ("lost") and refuses dials. `bufferedBytes` counts what the other side has not taken yet, so a paused
 * receiver is felt as backpressure.
 */
import { coreErrors } from "../errors/errors.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Random } from "../ports/random.js";
import type { Connection, Listener, ListenOptions, Transport } from "../ports/transport.js";
import { testingLimits } from "./limits.js";
import { MemoryConnection, type Wire } from "./memory-connection.js";
import { seededRandom } from "./seeded-random.js";

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** Decides the jitter. @default a fixed seed */
  readonly random?: Random;
  /** One-way latency in milliseconds; frames still arrive in a later turn when it is 0. @default 1 */
  readonly latencyMs?: number;
  /** Up to this much is added to each frame's latency. @default 0 */
  readonly jitterMs?: number;
  /** @default 1_048_576 */
  readonly frameBytesMax?: number;
}

/** A network of named hosts. */
export interface MemoryNetwork {
  /** The transport of one host; the same name gives the same host. */
  transport(host?: string): Transport;
  /** Holds back all frames between two hosts; with `oneWay`, only those from the first to the second. */
  cut(from: string, to: string, options?: { readonly oneWay?: boolean }): void;
  /** Ends every cut between the two hosts, or all cuts; what was held back arrives. */
  heal(a?: string, b?: string): void;
  /** Breaks every connection between two hosts: both ends close with the reason "lost". */
  sever(a: string, b: string): void;
  /** Kills a host: its connections break, its listeners are gone. Its transport can be used again at once. */
  crash(host: string): void;
  /** How many connections are open, counted once each. */
  readonly openConnections: number;
}

/**
 * Hosts that reach each other in memory, with cuts and crashes.
 *
 * @example
 * ```ts
 * import { memoryNetwork, virtualClock } from "@foundation/core/testing"
 *
 * const clock = virtualClock()
 * const network = memoryNetwork({ clock, latencyMs: 5 })
 * const listener = await network.transport("a").listen({ host: "a", port: 0 }, () => {})
 * const dialling = network.transport("b").dial(listener.address, { signal: AbortSignal.abort() })
 * await clock.run(dialling.catch(() => undefined))
 * ```
 */
export function memoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new Network(options);
}

/** The transport of a network of one host: enough where nothing needs to be cut. */
export function memoryTransport(options: MemoryNetworkOptions): Transport {
  return memoryNetwork(options).transport();
}

interface Link {
  readonly dialer: MemoryConnection;
  readonly acceptor: MemoryConnection;
  readonly listener: MemoryListener;
}

const ADDRESS = /^memory:\/\/([a-z0-9.-]+):(\d{1,5})$/;
const FIRST_FREE_PORT = 20_000;

class Network implements MemoryNetwork {
  readonly clock: Clock;
  readonly frameBytesMax: number;
  readonly #random: Random;
  readonly #latencyMs: number;
  readonly #jitterMs: number;
  readonly #listeners = new Map<string, MemoryListener>();
  readonly #links = new Set<Link>();
  readonly #cuts = new Set<string>();
  readonly #onHeal = new Set<() => void>();
  #nextPort = FIRST_FREE_PORT;

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.frameBytesMax = options.frameBytesMax ?? testingLimits.frameBytesMax;
    this.#random = options.random ?? seededRandom("memory-network");
    this.#latencyMs = options.latencyMs ?? 1;
    this.#jitterMs = options.jitterMs ?? 0;
  }

  get openConnections(): number {
    return this.#links.size;
  }

  transport(host = "local"): Transport {
    return {
      frameBytesMax: this.frameBytesMax,
      listen: (options, onConnection) => this.#listen(host, options, onConnection),
      dial: (address, { signal }) => this.#dial(host, address, signal),
    };
  }

  cut(from: string, to: string, options?: { readonly oneWay?: boolean }): void {
    this.#cuts.add(`${from}>${to}`);
    if (!options?.oneWay) this.#cuts.add(`${to}>${from}`);
  }

  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) this.#cuts.clear();
    else for (const cut of [`${a}>${b}`, `${b}>${a}`]) this.#cuts.delete(cut);
    for (const { dialer, acceptor } of this.#links) {
      dialer.wireHealed();
      acceptor.wireHealed();
    }
    for (const retry of [...this.#onHeal]) retry();
  }

  sever(a: string, b: string): void {
    for (const link of [...this.#links]) {
      const ends = [link.dialer.host, link.acceptor.host];
      if (ends.includes(a) && ends.includes(b))
        breakLink(link, `the link between ${a} and ${b} broke`);
    }
  }

  crash(host: string): void {
    for (const listener of [...this.#listeners.values()]) {
      if (listener.host === host) this.#listeners.delete(listener.key);
    }
    for (const link of [...this.#links]) {
      if (link.dialer.host === host || link.acceptor.host === host)
        breakLink(link, `${host} crashed`);
    }
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  delayMs(): number {
    return this.#latencyMs + (this.#jitterMs > 0 ? this.#random.next() * this.#jitterMs : 0);
  }

  async closeListener(listener: MemoryListener): Promise<void> {
    if (this.#listeners.get(listener.key) === listener) this.#listeners.delete(listener.key);
    const ends: Promise<unknown>[] = [];
    for (const link of this.#links) {
      if (link.listener !== listener) continue;
      link.acceptor.close({ reason: "closed", detail: "the listener was closed" });
      ends.push(link.acceptor.closed);
    }
    await Promise.all(ends);
  }

  async #listen(
    host: string,
    options: ListenOptions,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535) {
      const address = `${options.host}:${options.port}`;
      const reason = "a port is an integer from 0 to 65535";
      throw coreErrors.ERR_ADDRESS_INVALID(`Cannot listen on ${address}: ${reason}`, {
        address,
        reason,
      });
    }
    const port = options.port === 0 ? this.#freePort(host) : options.port;
    const listener = new MemoryListener(this, host, port, onConnection);
    if (this.#listeners.has(listener.key)) {
      throw coreErrors.ERR_ADDRESS_IN_USE(
        `Port ${port} of ${host} is taken: stop the other listener, or listen on port 0`,
        { host, port },
      );
    }
    this.#listeners.set(listener.key, listener);
    return listener;
  }

  #freePort(host: string): number {
    while (this.#listeners.has(`${host}:${this.#nextPort}`)) this.#nextPort += 1;
    return this.#nextPort++;
  }

  #dial(from: string, address: string, signal: AbortSignal): Promise<Connection> {
    const match = ADDRESS.exec(address);
    if (!match) {
      return Promise.reject(
        dialFailed(address, "an address of this network is memory://host:port"),
      );
    }
    const target = match[1] as string;
    return new Promise((resolve, reject) => {
      const timers: Timer[] = [];
      const settle = (act: () => void) => {
        for (const timer of timers) timer.cancel();
        this.#onHeal.delete(attempt);
        signal.removeEventListener("abort", onAbort);
        act();
      };
      const onAbort = () => settle(() => reject(dialFailed(address, "the dial was aborted")));
      const attempt = () => {
        if (this.isCut(from, target) || this.isCut(target, from)) return;
        settle(() => {
          const listener = this.#listeners.get(`${target}:${match[2]}`);
          if (listener) resolve(this.#connect(from, listener));
          else reject(coreErrors.ERR_DIAL_REFUSED(`Nobody listens at ${address}`, { address }));
        });
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#onHeal.add(attempt);
      // A round trip, as TCP's.
      timers.push(this.clock.setTimer(this.delayMs() + this.delayMs(), attempt));
      const giveUp = () => settle(() => reject(dialFailed(address, "no answer in time")));
      timers.push(this.clock.setTimer(testingLimits.dialTimeoutMs, giveUp));
    });
  }

  #connect(from: string, listener: MemoryListener): Connection {
    const port = this.#nextPort++;
    const dialer = new MemoryConnection(from, listener.address, this.#wire(from, listener.host));
    const acceptor = new MemoryConnection(
      listener.host,
      `memory://${from}:${port}`,
      this.#wire(listener.host, from),
    );
    dialer.attach(acceptor);
    acceptor.attach(dialer);
    const link: Link = { dialer, acceptor, listener };
    this.#links.add(link);
    void Promise.all([dialer.closed, acceptor.closed]).then(() => this.#links.delete(link));
    listener.onConnection(acceptor);
    return dialer;
  }

  #wire(from: string, to: string): Wire {
    return {
      clock: this.clock,
      frameBytesMax: this.frameBytesMax,
      delayMs: () => this.delayMs(),
      isCut: () => this.isCut(from, to),
    };
  }
}

class MemoryListener implements Listener {
  readonly key: string;
  readonly address: string;

  constructor(
    readonly network: Network,
    readonly host: string,
    port: number,
    readonly onConnection: (connection: Connection) => void,
  ) {
    this.key = `${host}:${port}`;
    this.address = `memory://${this.key}`;
  }

  close(): Promise<void> {
    return this.network.closeListener(this);
  }
}

function breakLink(link: Link, detail: string): void {
  link.dialer.end({ reason: "lost", detail });
  link.acceptor.end({ reason: "lost", detail });
}

function dialFailed(address: string, reason: string): Error {
  return coreErrors.ERR_DIAL_FAILED(`Could not connect to ${address}: ${reason}`, {
    address,
    reason,
  });
}
