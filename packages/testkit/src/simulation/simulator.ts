/**
 * createSimulator: a whole cluster in one process, decided by a seed.
 *
 * All nodes share one virtual clock whose heap is ordered by (time, sequence). After each event every promise reaction
 * and every end of turn runs before the next one, so the order of everything follows from the seed and a run can be
 * replayed exactly. Nodes run real code: what they ask of the world comes through their Runtime.
 *
 * Nodes share the modules of the process, and with them module state: what belongs to a node must not be kept there.
 */
import { provideRuntime, type FoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { parseDuration, type Duration } from "@foundation/core";
import { seededRandom, virtualClock, type VirtualClock } from "@foundation/core/testing";
import { testkitErrors } from "../errors.js";
import type { Boot, World } from "./boot.js";
import { guardGlobals } from "./escape-guard.js";
import { simulationLimits } from "./limits.js";
import { lanConditions, type LinkConditions } from "./link-conditions.js";
import { SimulatedDiscovery } from "./simulated-discovery.js";
import { NodeOfSimulation, type SimulatedApp, type SimulatedNode } from "./simulated-node.js";
import { SimulatedNetwork } from "./simulated-network.js";
import { TraceRing, type Trace } from "./trace.js";

export interface SimulatorOptions {
  /** Decides everything. */
  readonly seed: number | string;
  /** How links behave unless told otherwise. @default a quiet local network */
  readonly conditions?: LinkConditions;
  /** Each disk operation takes up to so long, in milliseconds. @default 1 */
  readonly diskLatencyMsMax?: number;
  /** Keeps every timer and frame among the lines of the trace. @default false */
  readonly verbose?: boolean;
}

/** A cluster in virtual time. */
export interface Simulator<App> {
  readonly seed: string;
  /** The world's clock: for what happens outside of nodes. */
  readonly clock: VirtualClock;
  /** Chance for the test itself; nodes and network have their own. */
  readonly random: Random;
  readonly trace: Trace;
  readonly nodes: readonly SimulatedNode<App>[];
  /** What went wrong in nodes: escapes, uncaught errors, rejections nobody handled. */
  readonly failures: readonly FoundationError[];
  /** Ends of connections that are open in living nodes. */
  readonly openConnections: number;
  /** Adds a node and starts its application when time passes. @param name a-z 0-9 and - */
  addNode(name: string, app: SimulatedApp<App>): SimulatedNode<App>;
  node(name: string): SimulatedNode<App>;
  /** Kills a node. `power`: its host goes off too: no peer is told, unsynced bytes may be lost. @default "process" */
  crash(name: string, options?: { readonly kind?: "process" | "power" }): void;
  /** Starts a crashed node again. @default disk "kept" */
  restart(name: string, options?: { readonly disk?: "kept" | "wiped" }): void;
  /** Stops the node's event loop; what arrives waits. */
  pause(name: string): void;
  resume(name: string): void;
  /** Cuts all links between two groups of nodes; `oneWay`: only from the first to the second. */
  partition(
    a: readonly string[],
    b: readonly string[],
    options?: { readonly oneWay?: boolean },
  ): void;
  /** Breaks the connections between two nodes; `half`: only `b` learns of it. */
  reset(a: string, b: string, options?: { readonly half?: boolean }): void;
  /** How the link from one node to another behaves; without conditions, as usual again. */
  link(from: string, to: string, conditions?: LinkConditions): void;
  /** Moves a node's wall clock, in milliseconds from the true time. */
  skewWall(name: string, offsetMs: number): void;
  /** Makes every look-up of the simulated discovery fail, or no longer. */
  discoveryOut(isOut: boolean): void;
  /** Ends cuts, link conditions, pauses, clock skews and outages. Crashed nodes stay down. */
  heal(conditions?: LinkConditions): void;
  /** A line of the test's own in the trace. */
  note(kind: string, text: string, node?: string): void;
  /** Calls `fn` after a delay, outside of all nodes. */
  at(delayMs: number, fn: () => void): void;
  /** Lets time pass. @throws the first failure of a node */
  run(duration: Duration): Promise<void>;
  /** Lets time pass until the condition holds; false when it does not within that time. */
  until(condition: () => boolean, within: Duration): Promise<boolean>;
  /** Lets time pass until the promise settles. @throws {ERR_TIMEOUT} */
  settle<T>(promise: Promise<T>, options?: { readonly within?: Duration }): Promise<T>;
  /** Puts the globals back. One simulation is open at a time. */
  close(): void;
}

/**
 * A simulated world without nodes.
 *
 * @example
 * ```ts
 * import { createSimulator } from "@foundation/testkit"
 *
 * const sim = createSimulator<{ ticks: number }>({ seed: 1 })
 * const node = sim.addNode("a", ({ runtime }) => {
 *   const app = { ticks: 0 }
 *   runtime.clock.setTimer(1_000, () => { app.ticks += 1 })
 *   return app
 * })
 * await sim.run("5s")
 * console.log(node.app?.ticks, sim.trace.hash) // 1 and sixteen digits
 * sim.close()
 * ```
 */
export function createSimulator<App = unknown>(options: SimulatorOptions): Simulator<App> {
  return new SeededSimulator<App>(options);
}

let openSimulation: string | undefined;

class SeededSimulator<App> implements Simulator<App>, World {
  readonly seed: string;
  readonly clock = virtualClock();
  readonly random: Random;
  readonly trace: TraceRing;
  readonly failures: FoundationError[] = [];
  current: Boot | undefined;
  isRunning = false;
  readonly #options: SimulatorOptions;
  readonly #root: Random;
  readonly #network: SimulatedNetwork;
  readonly #discovery: SimulatedDiscovery;
  readonly #nodes = new Map<string, NodeOfSimulation<App>>();
  readonly #undo: (() => void)[] = [];

  constructor(options: SimulatorOptions) {
    if (openSimulation !== undefined) {
      throw new Error(`The simulation of seed ${openSimulation} is still open: close it first`);
    }
    this.seed = String(options.seed);
    openSimulation = this.seed;
    this.#options = options;
    this.#root = seededRandom(`simulation ${this.seed}`);
    this.random = this.#root.fork("test");
    this.trace = new TraceRing(simulationLimits.traceLinesMax, options.verbose ?? false);
    this.#network = new SimulatedNetwork({
      clock: this.clock,
      random: this.#root.fork("network"),
      trace: this.trace,
      conditions: options.conditions ?? lanConditions,
    });
    this.#discovery = new SimulatedDiscovery(this.clock);
    const isInside = () => this.current !== undefined;
    this.#undo.push(guardGlobals(isInside, (escape) => this.failures.push(escape)));
    this.#undo.push(provideRuntime(() => this.#ambientRuntime()));
    const onRejection = (reason: unknown) => this.#fail("a promise was left rejected", reason);
    process.on("unhandledRejection", onRejection);
    this.#undo.push(() => process.off("unhandledRejection", onRejection));
  }

  get nodes(): readonly SimulatedNode<App>[] {
    return [...this.#nodes.values()];
  }

  get openConnections(): number {
    return this.#network.openEnds().length;
  }

  enter(boot: Boot | undefined, fn: () => void): void {
    this.current = boot;
    try {
      fn();
    } catch (error) {
      this.#fail("it threw where nobody catches", error);
    }
  }

  addNode(name: string, app: SimulatedApp<App>): SimulatedNode<App> {
    if (!/^[a-z0-9-]+$/.test(name) || this.#nodes.has(name)) {
      throw new Error(`A node needs a name of its own made of a-z 0-9 -, found "${name}"`);
    }
    const node = new NodeOfSimulation<App>(
      name,
      {
        world: this,
        network: this.#network,
        discovery: this.#discovery,
        random: this.#root.fork(`node ${name}`),
        diskLatencyMsMax: this.#options.diskLatencyMsMax ?? 1,
      },
      app,
    );
    this.#nodes.set(name, node);
    this.note("start", "boot 1", name);
    node.start();
    return node;
  }

  node(name: string): SimulatedNode<App> {
    return this.#node(name);
  }

  crash(name: string, { kind = "process" }: { readonly kind?: "process" | "power" } = {}): void {
    this.note("crash", kind, name);
    this.#node(name).crash(kind === "power");
  }

  restart(name: string, { disk = "kept" }: { readonly disk?: "kept" | "wiped" } = {}): void {
    const node = this.#node(name);
    node.crash(false);
    if (disk === "wiped") node.wipe();
    this.note("start", `boot ${node.boots + 1}, disk ${disk}`, name);
    node.start();
  }

  pause(name: string): void {
    this.note("pause", "", name);
    this.#node(name).boot?.pause();
  }

  resume(name: string): void {
    const { boot } = this.#node(name);
    if (boot?.paused !== true) return;
    this.note("resume", "", name);
    boot.resume();
  }

  partition(
    a: readonly string[],
    b: readonly string[],
    { oneWay = false }: { readonly oneWay?: boolean } = {},
  ): void {
    this.note("cut", `${a.join(",")} ${oneWay ? "->" : "<->"} ${b.join(",")}`);
    for (const from of a) {
      for (const to of b) {
        if (from === to) continue;
        this.#network.cut(from, to);
        if (!oneWay) this.#network.cut(to, from);
      }
    }
  }

  reset(a: string, b: string, options: { readonly half?: boolean } = {}): void {
    this.note("reset", `${a} ${options.half ? "-x" : "x-x"} ${b}`);
    this.#network.reset(a, b, options);
  }

  link(from: string, to: string, conditions?: LinkConditions): void {
    this.note("link", `${from} -> ${to} ${conditions ? JSON.stringify(conditions) : "as usual"}`);
    this.#network.setConditions(from, to, conditions);
  }

  skewWall(name: string, offsetMs: number): void {
    this.note("skew", `${offsetMs} ms`, name);
    this.#node(name).wallSkewMs = offsetMs;
  }

  discoveryOut(isOut: boolean): void {
    this.note("discovery", isOut ? "out" : "back");
    this.#discovery.isOut = isOut;
  }

  heal(conditions: LinkConditions = this.#options.conditions ?? lanConditions): void {
    this.note("heal", "everything");
    this.#network.setUsualConditions(conditions);
    this.#network.heal();
    this.#discovery.isOut = false;
    for (const [name, node] of this.#nodes) {
      node.wallSkewMs = 0;
      this.resume(name);
    }
  }

  note(kind: string, text: string, node = "-"): void {
    this.trace.line(this.clock.now(), node, kind, text);
  }

  at(delayMs: number, fn: () => void): void {
    this.clock.setTimer(delayMs, () => this.enter(undefined, fn));
  }

  async run(duration: Duration): Promise<void> {
    const untilMs = this.clock.now() + parseDuration(duration, "duration");
    while (this.clock.now() < untilMs) {
      await this.#advance(Math.min(untilMs, this.clock.now() + simulationLimits.sliceMs));
    }
  }

  async until(condition: () => boolean, within: Duration): Promise<boolean> {
    const untilMs = this.clock.now() + parseDuration(within, "within");
    while (!condition()) {
      if (this.clock.now() >= untilMs) return false;
      await this.#advance(Math.min(untilMs, this.clock.now() + simulationLimits.sliceMs));
    }
    return true;
  }

  async settle<T>(
    promise: Promise<T>,
    { within = "60s" }: { readonly within?: Duration } = {},
  ): Promise<T> {
    const withinMs = parseDuration(within, "within");
    return this.#running(() => this.clock.run(promise, { withinMs }));
  }

  close(): void {
    for (const node of this.#nodes.values()) node.boot?.kill();
    for (const step of this.#undo.splice(0).reverse()) step();
    openSimulation = undefined;
  }

  async #advance(untilMs: number): Promise<void> {
    await this.#running(() => this.clock.advanceTo(untilMs));
    const [first] = this.failures;
    if (first) throw first;
  }

  async #running<T>(run: () => Promise<T>): Promise<T> {
    this.isRunning = true;
    try {
      return await run();
    } finally {
      this.current = undefined;
      this.isRunning = false;
    }
  }

  #node(name: string): NodeOfSimulation<App> {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`There is no node "${name}"; there are ${[...this.#nodes.keys()]}`);
    return node;
  }

  #ambientRuntime(): ReturnType<Parameters<typeof provideRuntime>[0]> {
    const { current } = this;
    return current && this.#nodes.get(current.node)?.runtime;
  }

  #fail(what: string, cause: unknown): void {
    const node = this.current?.node ?? "-";
    const atMs = this.clock.now();
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    this.note("failure", `${what}: ${reason}`, node);
    const message = `Node ${node} at ${atMs} ms of seed ${this.seed}: ${what}: ${reason}`;
    const details = { seed: this.seed, node, atMs };
    this.failures.push(testkitErrors.ERR_SIMULATION_FAILED(message, details, cause));
  }
}
