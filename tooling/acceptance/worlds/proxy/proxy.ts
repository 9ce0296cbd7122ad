/**
 * Proxy: all links between named nodes, one gate for each connection, and what is done to them.
 *
 * A connection is opened in two steps, so that a dialler is told by the proxy what the target would have told it: first the
 * target is dialled, and only when it has accepted is there a port for the dialler. While a link is cut in either direction
 * a dial gets no answer, and goes through when it heals.
 */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import type { Random } from "@foundation/core";
import { Gate, type Side } from "./gate.js";
import { proxyLimits } from "./limits.js";
import { undisturbed, type LaneConditions } from "./schedule.js";

interface Link {
  readonly dialler: string;
  readonly target: string;
}

interface OpenGate extends Link {
  readonly gate: Gate;
}

export interface DialOptions extends Link {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

export class Proxy {
  readonly #random: Random;
  readonly #gates = new Set<OpenGate>();
  readonly #conditions = new Map<string, LaneConditions>();
  readonly #cuts = new Set<string>();
  /** Where killed nodes listened. */
  readonly #gone = new Set<string>();
  readonly #closing = new AbortController();
  #healed = deferred();

  constructor(random: Random) {
    this.#random = random;
  }

  get openGates(): number {
    return this.#gates.size;
  }

  /**
   * Connects to the target and gives a port of 127.0.0.1 on which exactly one connection leads there.
   *
   * @throws what `connect` of node:net throws: ECONNREFUSED where nobody listens; an abort error
   */
  async open({ signal, ...link }: DialOptions): Promise<number> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), proxyLimits.openMs);
    try {
      return await this.#open(link, AbortSignal.any([signal, this.#closing.signal, late.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(link: Omit<DialOptions, "signal">, giveUp: AbortSignal): Promise<number> {
    const { dialler, target, host, port } = link;
    while (this.#isCut(dialler, target) || this.#isCut(target, dialler)) {
      await orAborted(this.#healed.promise, giveUp);
    }
    if (this.#gates.size >= proxyLimits.gatesMax) {
      throw new Error(`the proxy has ${proxyLimits.gatesMax} connections, and takes no more`);
    }
    if (this.#gone.has(`${host}:${port}`)) throw refused(host, port);
    const far = await connected(host, port, giveUp);
    return this.#entrance({ dialler, target }, far, giveUp);
  }

  /** How the direction behaves, for open connections and new ones. */
  set(from: string, to: string, conditions: Partial<LaneConditions>): void {
    const all = { ...undisturbed, ...this.#conditions.get(`${from}>${to}`), ...conditions };
    this.#conditions.set(`${from}>${to}`, all);
    this.#each(from, to, (gate, side) => gate.set(side, all));
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
    this.#each(from, to, (gate, side) => gate.cut(side, true));
  }

  /** Ends cuts and conditions. */
  heal(): void {
    this.#cuts.clear();
    this.#conditions.clear();
    for (const { gate } of this.#gates) {
      for (const side of ["dialler", "target"] as const) {
        gate.set(side, undisturbed);
        gate.cut(side, false);
      }
    }
    this.#healed.resolve();
    this.#healed = deferred();
  }

  /** A node's process is gone: its connections end, and a dial of where it listened is refused. */
  kill(name: string, host: string, port: number): void {
    this.#gone.add(`${host}:${port}`);
    for (const { gate, dialler } of this.#between(name)) {
      gate.endAt(dialler === name ? "dialler" : "target");
    }
  }

  /** Resets every connection between two nodes. */
  reset(a: string, b: string): void {
    for (const { gate } of this.#between(a, b)) gate.reset();
  }

  /** The connections between two nodes end at `b`; `a` learns it when it sends. */
  halfOpen(a: string, b: string): void {
    for (const { gate, dialler } of this.#between(a, b)) {
      gate.resetAt(dialler === b ? "dialler" : "target");
    }
  }

  blackHole(a: string, b: string): void {
    for (const { gate } of this.#between(a, b)) gate.blackHole();
  }

  inject(from: string, to: string, bytes: Uint8Array): void {
    this.#each(from, to, (gate, side) => gate.inject(side, bytes));
  }

  /** Ends every connection; resolves when all sockets are closed. */
  async close(): Promise<void> {
    this.#closing.abort();
    const open = [...this.#gates];
    for (const { gate } of open) gate.reset();
    await Promise.all(open.map(({ gate }) => gate.closed));
  }

  #entrance(link: Link, far: Socket, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: false });
      const giveUp = () => {
        server.close();
        far.destroy();
      };
      signal.addEventListener("abort", giveUp, { once: true });
      server.once("error", reject);
      server.once("connection", (near) => {
        signal.removeEventListener("abort", giveUp);
        server.close();
        this.#join(link, near, far);
      });
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  }

  #join(link: Link, near: Socket, far: Socket): void {
    const gate = new Gate({ dialler: near, target: far }, this.#random);
    const open = { ...link, gate };
    this.#gates.add(open);
    void gate.closed.then(() => this.#gates.delete(open));
    const { dialler, target } = link;
    for (const [side, key] of [
      ["dialler", `${dialler}>${target}`],
      ["target", `${target}>${dialler}`],
    ] as const) {
      gate.set(side, this.#conditions.get(key) ?? undisturbed);
      gate.cut(side, this.#cuts.has(key));
    }
    if (this.#closing.signal.aborted) gate.reset();
  }

  #isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  #between(a: string, b?: string): readonly OpenGate[] {
    return [...this.#gates].filter(({ dialler, target }) => {
      const ends = [dialler, target];
      return ends.includes(a) && (b === undefined || ends.includes(b));
    });
  }

  /** Each gate between two nodes, with the side on which the first one stands. */
  #each(from: string, to: string, fn: (gate: Gate, side: Side) => void): void {
    for (const { gate, dialler } of this.#between(from, to)) {
      fn(gate, dialler === from ? "dialler" : "target");
    }
  }
}

function refused(host: string, port: number): Error {
  const error = new Error(`the process that listened at ${host}:${port} was killed`);
  return Object.assign(error, { code: "ECONNREFUSED" });
}

function connected(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const giveUp = () => {
      socket.destroy();
      reject(new Error(`the dial of ${host}:${port} was given up`));
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      signal.removeEventListener("abort", giveUp);
      socket.off("error", reject);
      // Nobody listens to it before the gate is made.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw new Error("the dial was given up");
  let giveUp = () => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error("the dial was given up"));
    signal.addEventListener("abort", giveUp, { once: true });
  });
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", giveUp));
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
