/**
 * SimulatedNetwork: hosts, the links between them, and everything that can go wrong on the way.
 *
 * Faults are those of TCP: latency, bandwidth, cuts in one or both directions, resets that both or only one side learns
 * of, processes that die (their operating system says so) and hosts that go off (nobody says anything).
 *
 * Invariant: every delay is drawn from the network's own random source, in the order of the events.
 */
import { coreErrors } from "@foundation/core";
import type {
  Clock,
  Connection,
  ConnectionEnd,
  Listener,
  ListenOptions,
  Random,
  Timer,
  Transport,
} from "@foundation/core/ports";
import type { Boot } from "./boot.js";
import { simulationLimits } from "./limits.js";
import { drawLatencyMs, type LinkConditions } from "./link-conditions.js";
import { SimulatedConnection } from "./simulated-connection.js";
import { SimulatedListener } from "./simulated-listener.js";
import type { TraceRing } from "./trace.js";

interface SimulatedNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly trace: TraceRing;
  readonly conditions: LinkConditions;
}

const ADDRESS = /^sim:\/\/([a-z0-9.-]+):(\d{1,5})$/;
const FIRST_FREE_PORT = 20_000;

export class SimulatedNetwork {
  readonly frameBytesMax = simulationLimits.frameBytesMax;
  readonly clock: Clock;
  readonly trace: TraceRing;
  framesDelivered = 0;
  readonly #random: Random;
  #usual: LinkConditions;
  readonly #special = new Map<string, LinkConditions>();
  readonly #cuts = new Set<string>();
  readonly #off = new Set<string>();
  /** Hosts that are suspended: nothing comes from them or to them. */
  readonly #asleep = new Set<string>();
  readonly #listeners = new Map<string, SimulatedListener>();
  readonly #ends = new Set<SimulatedConnection>();
  /** Ended, with something still on its way. */
  readonly #ended = new Set<SimulatedConnection>();
  /** Dials without an answer, tried again when the network changes. */
  readonly #unanswered = new Set<() => void>();
  #nextPort = FIRST_FREE_PORT;

  constructor(options: SimulatedNetworkOptions) {
    this.clock = options.clock;
    this.#random = options.random;
    this.trace = options.trace;
    this.#usual = options.conditions;
  }

  /** Ends of connections that have not ended, in processes that live. */
  openEnds(): readonly SimulatedConnection[] {
    return [...this.#ends].filter((end) => end.boot.alive);
  }

  transport(boot: Boot): Transport {
    return {
      frameBytesMax: this.frameBytesMax,
      listen: (options, onConnection) => this.#listen(boot, options, onConnection),
      dial: (address, { signal }) => this.#dial(boot, address, signal),
    };
  }

  conditions(from: string, to: string): LinkConditions {
    // Asked for every frame: the text of the pair is made only when it may be found.
    if (this.#special.size === 0) return this.#usual;
    return this.#special.get(`${from}>${to}`) ?? this.#usual;
  }

  /** Conditions of one direction; without them, the usual ones again. */
  setConditions(from: string, to: string, conditions: LinkConditions | undefined): void {
    if (conditions === undefined) this.#special.delete(`${from}>${to}`);
    else this.#special.set(`${from}>${to}`, conditions);
  }

  setUsualConditions(conditions: LinkConditions): void {
    this.#usual = conditions;
    this.#special.clear();
  }

  latencyMs(from: string, to: string): number {
    return drawLatencyMs(this.conditions(from, to), this.#random);
  }

  isCut(from: string, to: string): boolean {
    if (this.#asleep.size > 0 && (this.#asleep.has(from) || this.#asleep.has(to))) return true;
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  isOff(host: string): boolean {
    return this.#off.has(host);
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Ends the cuts from one group to another. */
  mend(sources: readonly string[], targets: readonly string[]): void {
    for (const from of sources) for (const to of targets) this.#cuts.delete(`${from}>${to}`);
    this.#changed();
  }

  /** Ends every cut. */
  heal(): void {
    this.#cuts.clear();
    this.#changed();
  }

  /** Breaks the connections between two hosts; `half`: only the end at `b` learns of it. */
  reset(a: string, b: string, options: { readonly half?: boolean } = {}): void {
    for (const end of [...this.#ends]) {
      if (end.host !== a || end.peer.host !== b) continue;
      // In the other process nothing is left of it; here nobody knows, until something is sent.
      this.tell(end.peer, { reason: "lost", detail: "connection reset" });
      if (!options.half) this.tell(end, { reason: "lost", detail: "connection reset" });
    }
  }

  /** A process has died. `off`: its host too, so nobody is told. */
  died(boot: Boot, options: { readonly off: boolean }): void {
    for (const [key, listener] of this.#listeners) {
      if (listener.boot === boot) this.#listeners.delete(key);
    }
    if (options.off) this.#off.add(boot.node);
    for (const end of [...this.#ends]) {
      if (end.boot !== boot) continue;
      if (!options.off) this.tellReset(end.peer, `the process at ${boot.node} died`);
      this.#ends.delete(end);
      if (!end.peer.hasEnded) end.peer.outgoing.receiverGone();
    }
  }

  /** A host stops for a while: its connections are lost. It learns of that when it goes on; its peers may, or may not. */
  suspended(host: string): void {
    this.#asleep.add(host);
    for (const end of [...this.#ends]) {
      if (end.host !== host) continue;
      const detail = `${host} was suspended`;
      if (this.#random.next() < 0.5) this.tell(end.peer, { reason: "lost", detail });
      this.tell(end, { reason: "lost", detail });
    }
  }

  awake(host: string): void {
    if (this.#asleep.delete(host)) this.#changed();
  }

  /** A host is on again: it does not know the connections of before, and says so. */
  switchedOn(host: string): void {
    if (this.#off.delete(host)) this.#changed();
  }

  /** A reset on its way: nobody hears of it when the way is cut. */
  tellReset(end: SimulatedConnection, detail: string): void {
    const from = end.peer.host;
    if (this.isCut(from, end.host)) return;
    const delayMs = this.latencyMs(from, end.host);
    end.boot.later(delayMs, () => end.end({ reason: "lost", detail }));
  }

  /** Tells one end in an event of its own that it has ended. */
  tell(end: SimulatedConnection, why: ConnectionEnd): void {
    end.boot.later(this.latencyMs(end.peer.host, end.host), () => end.end(why));
  }

  ended(end: SimulatedConnection): void {
    // While something of it is on its way, heals must reach it.
    this.#ends.delete(end);
    if (!end.outgoing.isEmpty) this.#ended.add(end);
    this.trace.line(this.clock.now(), end.host, "ended", `connection with ${end.peer.host}`);
    // What is on its way here meets nobody from now on.
    if (!end.peer.hasEnded) end.peer.outgoing.receiverGone();
  }

  freePort(host: string): number {
    while (this.#listeners.has(`${host}:${this.#nextPort}`)) this.#nextPort += 1;
    return this.#nextPort++;
  }

  #changed(): void {
    for (const end of this.#ended) if (end.outgoing.isEmpty) this.#ended.delete(end);
    for (const end of [...this.#ends, ...this.#ended]) end.outgoing.changed({ healed: true });
    for (const retry of [...this.#unanswered]) retry();
  }

  async #listen(
    boot: Boot,
    { host, port }: ListenOptions,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      const address = `${host}:${port}`;
      const reason = "a port is an integer from 0 to 65535";
      const message = `Cannot listen on ${address}: ${reason}`;
      throw coreErrors.ERR_ADDRESS_INVALID(message, { address, reason });
    }
    const chosen = port === 0 ? this.freePort(boot.node) : port;
    const key = `${boot.node}:${chosen}`;
    if (this.#listeners.has(key)) {
      const message = `Port ${chosen} of ${boot.node} is taken: stop the other listener, or listen on port 0`;
      throw coreErrors.ERR_ADDRESS_IN_USE(message, { host: boot.node, port: chosen });
    }
    const listener = new SimulatedListener(boot, `sim://${key}`, onConnection, () =>
      this.#listeners.delete(key),
    );
    this.#listeners.set(key, listener);
    return listener;
  }

  #dial(boot: Boot, address: string, signal: AbortSignal): Promise<Connection> {
    const match = ADDRESS.exec(address);
    if (!match) {
      const reason = "an address of this network is sim://host:port";
      return Promise.reject(dialFailed(address, reason));
    }
    if (signal.aborted) return Promise.reject(dialFailed(address, "the dial was aborted"));
    const key = `${match[1] as string}:${match[2] as string}`;
    const target = match[1] as string;
    return new Promise((resolve, reject) => {
      let settled = false;
      const timers: Timer[] = [];
      const settle = (act: () => void) => {
        if (settled) return;
        settled = true;
        for (const timer of timers) timer.cancel();
        this.#unanswered.delete(knock);
        signal.removeEventListener("abort", onAbort);
        act();
      };
      const onAbort = () => settle(() => reject(dialFailed(address, "the dial was aborted")));
      /** The first packet is there: answered at once, and the answer takes its time too. */
      const knock = () => {
        if (!boot.alive) return void this.#unanswered.delete(knock);
        const isSilent =
          this.isCut(boot.node, target) || this.isCut(target, boot.node) || this.isOff(target);
        if (settled || isSilent) return;
        this.#unanswered.delete(knock);
        const listener = this.#listeners.get(key);
        const connection = listener && this.#connect(boot, listener);
        boot.later(this.latencyMs(target, boot.node), () => {
          if (settled) return connection?.close();
          settle(() => {
            if (connection) resolve(connection);
            else reject(coreErrors.ERR_DIAL_REFUSED(`Nobody listens at ${address}`, { address }));
          });
        });
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#unanswered.add(knock);
      timers.push(this.clock.setTimer(this.latencyMs(boot.node, target), knock));
      const giveUp = () => settle(() => reject(dialFailed(address, "no answer in time")));
      timers.push(boot.timer(simulationLimits.dialTimeoutMs, giveUp));
    });
  }

  #connect(boot: Boot, listener: SimulatedListener): SimulatedConnection {
    const from = `sim://${boot.node}:${this.#nextPort++}`;
    const dialer = new SimulatedConnection(this, boot, listener.address);
    const acceptor = new SimulatedConnection(this, listener.boot, from);
    dialer.attach(acceptor);
    acceptor.attach(dialer);
    this.#ends.add(dialer);
    this.#ends.add(acceptor);
    this.trace.line(this.clock.now(), boot.node, "connect", listener.address);
    listener.boot.io(() => listener.accept(acceptor));
    return dialer;
  }
}

function dialFailed(address: string, reason: string): Error {
  const details = { address, reason };
  return coreErrors.ERR_DIAL_FAILED(`Could not connect to ${address}: ${reason}`, details);
}
