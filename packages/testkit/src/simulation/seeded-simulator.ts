/**
 * SeededSimulator: the parts of a simulated world put together: hosts, network, discovery, trace, guard, and time.
 *
 * Invariant: code of a node runs only while `current` is its boot, so what it does is known to be its doing.
 */
import {
  coreErrors,
  isFoundationError,
  parseDuration,
  provideRuntime,
  type Duration,
  type FoundationError,
} from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom, virtualClock } from "@foundation/core/testing";
import { testkitErrors } from "../errors.js";
import type { Boot, World } from "./boot.js";
import type { DiskDamage } from "./disk-file.js";
import { guardEscapes } from "./escape-guard.js";
import type { DiskFaults, HostFaults, NetworkFaults } from "./faults.js";
import { Hosts } from "./hosts.js";
import { simulationLimits } from "./limits.js";
import { lanConditions, type LinkConditions } from "./link-conditions.js";
import { SimulatedDiscovery } from "./simulated-discovery.js";
import type { SimulatedApp, SimulatedNode } from "./simulated-node.js";
import { SimulatedNetwork } from "./simulated-network.js";
import type { Simulator, SimulatorOptions } from "./simulator.js";
import { TraceRing } from "./trace.js";
import { Watchdog } from "./watchdog.js";

let openSimulation: string | undefined;

export class SeededSimulator<App> implements Simulator<App>, World {
  readonly seed: string;
  readonly clock = virtualClock();
  readonly random: Random;
  readonly trace: TraceRing;
  readonly failures: FoundationError[] = [];
  current: Boot | undefined;
  isRunning = false;
  readonly #options: SimulatorOptions;
  readonly #network: SimulatedNetwork;
  readonly #discovery: SimulatedDiscovery;
  readonly #hosts: Hosts<App>;
  readonly #undo: (() => void)[] = [];
  readonly #watchdog: Watchdog;

  constructor(options: SimulatorOptions) {
    if (openSimulation !== undefined) {
      throw new Error(
        `The simulation of seed ${openSimulation} is still open, and there is one at a time: the test that opened it must ` +
          "close it when it ends, also when it fails (await using, or close() in a finally)",
      );
    }
    this.seed = String(options.seed);
    openSimulation = this.seed;
    this.#options = options;
    const root = seededRandom(`simulation ${this.seed}`);
    this.random = root.fork("test");
    this.trace = new TraceRing(simulationLimits.traceLinesMax, options.verbose ?? false);
    this.#network = new SimulatedNetwork({
      clock: this.clock,
      random: root.fork("network"),
      trace: this.trace,
      conditions: options.conditions ?? lanConditions,
    });
    this.#discovery = new SimulatedDiscovery(this.clock);
    this.#hosts = new Hosts<App>({
      world: this,
      network: this.#network,
      discovery: this.#discovery,
      random: root,
      diskLatencyMsMax: options.diskLatencyMsMax ?? 1,
    });
    const guard = {
      inside: () => this.current?.node,
      report: (escape: FoundationError) => this.#keep(escape),
      thorough: options.guard === "thorough",
    };
    this.#undo.push(guardEscapes(guard));
    const watchdogMs = options.watchdogMs ?? simulationLimits.watchdogMs;
    this.#watchdog = new Watchdog(watchdogMs, (silentMs) => this.#describeStuck(silentMs));
    this.#undo.push(() => this.#watchdog.close());
    this.#undo.push(provideRuntime(() => this.#ambientRuntime()));
    const onRejection = (reason: unknown) => this.#fail("a promise was left rejected", reason);
    process.on("unhandledRejection", onRejection);
    this.#undo.push(() => process.off("unhandledRejection", onRejection));
  }

  get nodes(): readonly SimulatedNode<App>[] {
    return this.#hosts.all;
  }

  get openConnections(): number {
    return this.#network.openEnds().length;
  }

  enter(boot: Boot | undefined, fn: () => void): void {
    this.current = boot;
    this.#watchdog.beat();
    try {
      fn();
    } catch (error) {
      // A process that has ended in the middle of its code fails nobody any more.
      if (boot?.alive !== false) this.#fail("it threw where nobody catches", error);
    }
  }

  addNode(name: string, app: SimulatedApp<App>): SimulatedNode<App> {
    return this.#hosts.add(name, app);
  }

  node(name: string): SimulatedNode<App> {
    return this.#hosts.get(name);
  }

  crash(...args: Parameters<HostFaults["crash"]>): void {
    this.#hosts.crash(...args);
  }

  restart(...args: Parameters<HostFaults["restart"]>): void {
    this.#hosts.restart(...args);
  }

  pause(name: string): void {
    this.#hosts.pause(name);
  }

  resume(name: string): void {
    this.#hosts.resume(name);
  }

  suspend(...args: Parameters<HostFaults["suspend"]>): void {
    this.#hosts.suspend(...args);
  }

  skewWall(name: string, offsetMs: number): void {
    this.#hosts.skewWall(name, offsetMs);
  }

  jumpWall(name: string, byMs: number): void {
    this.#hosts.jumpWall(name, byMs);
  }

  driftClock(name: string, rate: number): void {
    this.#hosts.driftClock(name, rate);
  }

  stallDisk(name: string, durationMs: number): void {
    this.#hosts.stallDisk(name, durationMs);
  }

  fillDisk(name: string, isFull: boolean): void {
    this.#hosts.fillDisk(name, isFull);
  }

  corruptDisk(...args: Parameters<DiskFaults["corruptDisk"]>): DiskDamage | undefined {
    return this.#hosts.corruptDisk(...args);
  }

  snapshotDisk(name: string): void {
    this.#hosts.snapshotDisk(name);
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

  mend(...[a, b, { oneWay = false } = {}]: Parameters<NetworkFaults["mend"]>): void {
    this.note("mend", `${a.join(",")} ${oneWay ? "->" : "<->"} ${b.join(",")}`);
    this.#network.mend(a, b);
    if (!oneWay) this.#network.mend(b, a);
  }

  reset(a: string, b: string, options: { readonly half?: boolean } = {}): void {
    this.note("reset", `${a} ${options.half ? "-x" : "x-x"} ${b}`);
    this.#network.reset(a, b, options);
  }

  link(from: string, to: string, conditions?: LinkConditions): void {
    this.note("link", `${from} -> ${to} ${conditions ? JSON.stringify(conditions) : "as usual"}`);
    this.#network.setConditions(from, to, conditions);
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
    this.#hosts.heal();
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
    try {
      return await this.#running(() => this.clock.run(promise, { withinMs }));
    } catch (error) {
      if (!isFoundationError(error, "ERR_TIMEOUT") || error.details["target"] !== "run")
        throw error;
      const [first] = this.failures;
      if (first) throw first;
      const details = { timeoutMs: withinMs, target: "settle" };
      const message = `${error.message}. ${this.#hosts.describe()}`;
      throw coreErrors.ERR_TIMEOUT(message, details, error);
    }
  }

  close(): void {
    for (const node of this.#hosts.all) node.boot?.kill();
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
    this.#watchdog.start();
    try {
      return await run();
    } finally {
      this.#watchdog.stop();
      this.current = undefined;
      this.isRunning = false;
    }
  }

  #ambientRuntime(): ReturnType<Parameters<typeof provideRuntime>[0]> {
    const { current } = this;
    return current && this.#hosts.find(current.node)?.runtime;
  }

  #fail(what: string, cause: unknown): void {
    const node = this.current?.node ?? "-";
    const atMs = this.clock.now();
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    this.note("failure", `${what}: ${reason}`, node);
    const message = `Node ${node} at ${atMs} ms of seed ${this.seed}: ${what}: ${reason}`;
    const details = { seed: this.seed, node, atMs };
    this.#keep(testkitErrors.ERR_SIMULATION_FAILED(message, details, cause));
  }

  #keep(failure: FoundationError): void {
    if (this.failures.length < simulationLimits.failuresMax) this.failures.push(failure);
  }

  /** Called from inside the event that does not end, so that the stack is its own. */
  #describeStuck(silentMs: number): string {
    const node = this.current?.node ?? "-";
    const atMs = this.clock.now();
    const who = this.current ? `Node ${node}` : "Code outside of nodes";
    const message = `${who} at ${atMs} ms of seed ${this.seed}: an event has not ended for ${silentMs} ms`;
    const details = { seed: this.seed, node, atMs, silentMs };
    const { code, stack = "" } = testkitErrors.ERR_SIMULATION_STUCK(message, details);
    const lines = this.trace.lines({ last: simulationLimits.stuckTraceLines });
    // Above this line stand the watchdog's own frames.
    const from = stack.lastIndexOf("eval (eval at");
    const frames = stack.slice(Math.max(0, stack.indexOf("\n", from) + 1));
    return `${code}: ${message}\n${frames}\nThe last lines of the trace:\n${lines.join("\n")}\n`;
  }
}
