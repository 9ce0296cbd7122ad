/** SimulatedNode: a name, a disk, and one boot after the other of the same application. */
import { inMemoryMeter } from "@foundation/core";
import { manualSignals } from "@foundation/core/testing";
import type { DiscoveryStrategy, Random, Runtime } from "@foundation/core/ports";
import { Boot, type World } from "./boot.js";
import { SimulatedDisk } from "./simulated-disk.js";
import type { SimulatedDiscovery } from "./simulated-discovery.js";
import type { SimulatedNetwork } from "./simulated-network.js";
import { diskOf } from "./simulated-storage.js";
import { traceLogger } from "./trace-logger.js";

/** What an application is given when its node starts. */
export interface SimulatedHost {
  /** The node's name, which is its host's in addresses too. */
  readonly name: string;
  /** 1 for the first start. */
  readonly boot: number;
  /** Everything the application may use of the world. */
  readonly runtime: Required<Pick<Runtime, "host" | "storage" | "transport">> & Runtime;
  /** Finds the other nodes of this simulation. */
  readonly discovery: DiscoveryStrategy;
}

/** Starts a node's application; what it gives is kept as `app` of the node. */
export type SimulatedApp<App> = (host: SimulatedHost) => App | Promise<App>;

/** One node, as a test sees it. */
export interface SimulatedNode<App> {
  readonly name: string;
  /** `paused`: by a pause or a suspension. */
  readonly state: "up" | "paused" | "down";
  /** What the application of the present boot gave, once it has started. */
  readonly app: App | undefined;
  /** How often the node was started. */
  readonly boots: number;
  /** Timers of the present boot that will still run. */
  readonly pendingTimers: number;
  /**
   * Runs a function as code of this node, so that what escapes from the simulation is found.
   * @throws {Error} while the application has not started
   */
  within<T>(fn: (app: App) => T): T;
}

/** What a node is made of. */
export interface NodeParts {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly discovery: SimulatedDiscovery;
  readonly random: Random;
  readonly diskLatencyMsMax: number;
}

export class NodeOfSimulation<App> implements SimulatedNode<App> {
  readonly #parts: NodeParts;
  readonly #start: SimulatedApp<App>;
  readonly disk: SimulatedDisk;
  #boot: Boot | undefined;
  #app: App | undefined;
  #hasStarted = false;
  #clockRate = 1;
  #runtime: Runtime | undefined;
  boots = 0;
  wallSkewMs = 0;
  isSuspended = false;
  /** When its suspension ends, by the world's clock; 0 while there is none. */
  wakesMs = 0;

  constructor(
    readonly name: string,
    parts: NodeParts,
    start: SimulatedApp<App>,
  ) {
    this.#parts = parts;
    this.#start = start;
    this.disk = new SimulatedDisk(parts.world, parts.random.fork("disk"), parts.diskLatencyMsMax);
  }

  get state(): "up" | "paused" | "down" {
    if (this.#boot?.alive !== true) return "down";
    return this.#boot.paused ? "paused" : "up";
  }

  get app(): App | undefined {
    return this.#app;
  }

  get boot(): Boot | undefined {
    return this.#boot;
  }

  /** The runtime of the boot whose code runs, for code that asks for the ambient one. */
  get runtime(): Runtime | undefined {
    return this.#runtime;
  }

  get pendingTimers(): number {
    return this.#boot?.pendingTimers ?? 0;
  }

  start(): void {
    if (this.state !== "down") throw new Error(`${this.name} is up: crash it first`);
    const { world, network, discovery, random } = this.#parts;
    this.boots += 1;
    const boot = new Boot(world, this.name, this.boots);
    boot.wallSkewMs = () => this.wallSkewMs;
    boot.clock.setRate(this.#clockRate);
    this.#boot = boot;
    const own = random.fork(`boot ${this.boots}`);
    const runtime = {
      clock: boot.clock,
      random: own.fork("runtime"),
      logger: traceLogger(boot),
      meter: inMemoryMeter(),
      signals: manualSignals(),
      storage: diskOf(this.disk, boot),
      transport: network.transport(boot),
      host: { name: this.name, discovery: discovery.strategy(), handles: new Set<object>() },
    };
    this.#runtime = runtime;
    network.switchedOn(this.name);
    const host = {
      name: this.name,
      boot: this.boots,
      runtime,
      discovery: runtime.host.discovery,
    };
    // A failed start is a rejection nobody handles: it fails the simulation, naming this node.
    boot.later(0, () => void this.#run(boot, host));
  }

  async #run(boot: Boot, host: SimulatedHost): Promise<void> {
    const app = await this.#start(host);
    if (!boot.alive || this.#boot !== boot) return;
    this.#app = app;
    this.#hasStarted = true;
  }

  /** `power`: the whole host, so that nobody is told, and unsynced bytes may be lost. */
  crash(kind: "process" | "power"): void {
    const boot = this.#boot;
    if (!boot?.alive) return;
    boot.kill();
    this.#app = undefined;
    this.#hasStarted = false;
    this.isSuspended = false;
    this.wakesMs = 0;
    this.#parts.network.awake(this.name);
    this.#parts.network.died(boot, { off: kind === "power" });
    this.#parts.discovery.died(this.name);
    this.disk.crash(kind);
  }

  /** The host stops and loses its connections. `clockStands`: its monotonic clock stops too. */
  suspend(clockStands: boolean): void {
    const boot = this.#boot;
    if (!boot?.alive) return;
    this.isSuspended = true;
    boot.pause();
    boot.clock.stand(clockStands);
    this.#parts.network.suspended(this.name);
  }

  /** @param rate milliseconds of the node's monotonic clock in one of the world's */
  driftClock(rate: number): void {
    this.#clockRate = rate;
    this.#boot?.clock.setRate(rate);
  }

  /** Ends a pause or a suspension. */
  resume(): void {
    const boot = this.#boot;
    if (boot?.paused !== true) return;
    if (this.isSuspended) {
      this.isSuspended = false;
      this.wakesMs = 0;
      boot.clock.stand(false);
      this.#parts.network.awake(this.name);
    }
    boot.resume();
  }

  within<T>(fn: (app: App) => T): T {
    const { world } = this.#parts;
    if (!this.#hasStarted)
      throw new Error(
        `The application of ${this.name} has not started: it is ${this.state}, let time pass or restart it first`,
      );
    const before = world.current;
    world.current = this.#boot;
    try {
      return fn(this.#app as App);
    } finally {
      // In an event of the world what follows from `fn` is this node's too, until the next event.
      if (!world.isRunning) world.current = before;
    }
  }
}
