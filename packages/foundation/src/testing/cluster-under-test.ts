/**
 * ClusterUnderTest: SimulatedCluster over the simulator. It adds no behaviour of nodes or network: it takes nodes by handle
 * or name, waits through one Passage, and ends each of its errors with the seed.
 */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import type { DiskDamage, LinkConditions, Simulator, Trace } from "@foundation/testkit";
import type { NodeUnderTest, Running } from "./cluster-node.js";
import { simulationLimits } from "./limits.js";
import { invalidArgument, oneOf } from "./invalid-argument.js";
import type { Nemesis } from "./nemesis.js";
import { checkConditions } from "./network-presets.js";
import type { NodesOption } from "./options.js";
import type { Passage } from "./passage.js";
import { withSeed } from "./seed.js";
import { heldBy, isPromise, lookAt, notHeld, type Seen } from "./seen.js";
import { describe, groupsOf, listEachOther, nodeAmong } from "./view-of-nodes.js";
import type {
  NodesOf,
  SimulatedCluster,
  SlowLink,
  WaitOptions,
  Which,
} from "./simulated-cluster.js";

export interface Parts<App> {
  readonly sim: Simulator<Running<App>>;
  readonly passage: Passage<Running<App>>;
  readonly nodes: readonly NodeUnderTest<App>[];
  /** How links behave while nothing is wrong. */
  readonly usual: LinkConditions;
  readonly nemesis: Nemesis | undefined;
  readonly close: () => void;
}

/** Kinds of lines that say what was done to the cluster. */
const telling =
  /^(broken|crash|cut|discovery|disk|drift|exit|failure|heal|jump|link|mend|note|pause|reset|resume|skew|start|stop|suspend)$/;

export class ClusterUnderTest<App, Nodes extends NodesOption>
  implements SimulatedCluster<App, Nodes>
{
  readonly nodes: NodesOf<Nodes, App>;
  readonly #parts: Parts<App>;
  readonly #all: readonly NodeUnderTest<App>[];
  #closed = false;

  constructor(parts: Parts<App>) {
    this.#parts = parts;
    this.#all = parts.nodes;
    // As many as `Nodes` says: they were made from it.
    this.nodes = parts.nodes as readonly unknown[] as NodesOf<Nodes, App>;
  }

  get seed(): string {
    return this.#parts.sim.seed;
  }

  get now(): number {
    return this.#parts.sim.clock.now();
  }

  get trace(): Trace {
    return this.#parts.sim.trace;
  }

  /** For what changes the simulation. @throws {ERR_CLOSED} */
  get #sim(): Simulator<Running<App>> {
    this.#parts.passage.refuseClosed();
    return this.#parts.sim;
  }

  node(name: string): NodeUnderTest<App> {
    return nodeAmong(this.#all, name);
  }

  run(duration: Duration): Promise<void> {
    const ms = parseDuration(duration, "duration");
    return this.#parts.passage.pass(ms);
  }

  settle<T>(promise: PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    const withinMs = parseDuration(options.within ?? simulationLimits.withinMs, "within");
    return this.#parts.passage.settle(promise, { withinMs, what: "What the test waits for" });
  }

  async eventually<T>(
    check: () => T | Promise<T>,
    options: WaitOptions & { readonly every?: Duration; readonly what?: string } = {},
  ): Promise<Exclude<T, false>> {
    if (typeof check !== "function") {
      throw invalidArgument("sim.eventually", "check", "a function", check);
    }
    const { within = simulationLimits.withinMs, every = simulationLimits.everyMs } = options;
    const { passage } = this.#parts;
    const withinMs = parseDuration(within, "within");
    const everyMs = parseDuration(every, "every");
    const untilMs = this.now + withinMs;
    for (;;) {
      let seen: Seen<T | Promise<T>> = { held: false, reason: "it was not looked at" };
      const look = () => {
        seen = lookAt(check);
        return seen.held;
      };
      await passage.until(look, untilMs, everyMs);
      const answer = await this.#answered(seen, check, untilMs);
      if (answer.held) return answer.value as Exclude<T, false>;
      if (this.now >= untilMs)
        throw this.#neverHeld(notHeld(check, answer.reason, options.what), answer.reason, withinMs);
      await passage.pass(Math.min(everyMs, untilMs - this.now));
    }
  }

  async formed(options: WaitOptions = {}): Promise<void> {
    const what = "The cluster has not formed";
    await this.eventually(() => listEachOther(this.#all), { ...options, what });
  }

  check(name: string, holds: () => unknown): () => void {
    if (typeof holds !== "function") {
      throw invalidArgument("sim.check", "holds", "a function", holds);
    }
    this.#parts.passage.refuseClosed();
    return this.#parts.passage.check(name, holds);
  }

  crash(node: Which, options: { readonly kind?: "process" | "power" } = {}): void {
    const { kind = "process" } = options;
    oneOf("sim.crash", "kind", ["process", "power"], kind);
    this.#sim.crash(this.#name(node), { kind });
  }

  restart(
    node: Which,
    { disk = "kept" }: { readonly disk?: "kept" | "wiped" | "restored" } = {},
  ): void {
    oneOf("sim.restart", "disk", ["kept", "wiped", "restored"], disk);
    this.#sim.restart(this.#name(node), { disk });
  }

  async stop(node: Which, { within = simulationLimits.withinMs }: WaitOptions = {}): Promise<void> {
    const stopped = nodeAmong(this.#all, node);
    const { signals } = stopped;
    this.#sim.note("stop", "SIGTERM", stopped.name);
    if (signals.listeners > 0) {
      const untilMs = this.now + parseDuration(within, "within");
      this.#sim.at(0, () => stopped.within(() => signals.raise("SIGTERM")));
      while (signals.exits.length === 0 && this.now < untilMs && stopped.state !== "down") {
        await this.run(Math.min(simulationLimits.everyMs, untilMs - this.now));
      }
    }
    if (stopped.state !== "down") this.#sim.crash(stopped.name);
  }

  pause(node: Which): void {
    this.#sim.pause(this.#name(node));
  }

  resume(node: Which): void {
    this.#sim.resume(this.#name(node));
  }

  suspend(node: Which, duration: Duration): void {
    this.#sim.suspend(this.#name(node), parseDuration(duration, "duration"));
  }

  jumpWall(node: Which, byMs: number): void {
    if (!Number.isFinite(byMs)) {
      throw invalidArgument("sim.jumpWall", "byMs", "a number of milliseconds", byMs);
    }
    this.#sim.jumpWall(this.#name(node), byMs);
  }

  driftClock(node: Which, rate: number): void {
    this.#sim.driftClock(this.#name(node), rate);
  }

  stallDisk(node: Which, duration: Duration): void {
    this.#sim.stallDisk(this.#name(node), parseDuration(duration, "duration"));
  }

  fillDisk(node: Which, isFull: boolean): void {
    this.#sim.fillDisk(this.#name(node), isFull);
  }

  corruptDisk(node: Which, options?: { readonly file?: string }): DiskDamage | undefined {
    return this.#sim.corruptDisk(this.#name(node), options);
  }

  snapshotDisk(node: Which): void {
    this.#sim.snapshotDisk(this.#name(node));
  }

  partition(
    a: Which | readonly Which[],
    b: Which | readonly Which[],
    options?: { readonly oneWay?: boolean },
  ): void {
    const [left, right] = groupsOf("sim.partition", this.#all, [a, b]);
    this.#sim.partition(left, right, options);
    this.#parts.nemesis?.hold(left, right, options);
  }

  mend(
    a: Which | readonly Which[],
    b: Which | readonly Which[],
    options?: { readonly oneWay?: boolean },
  ): void {
    const [left, right] = groupsOf("sim.mend", this.#all, [a, b]);
    this.#sim.mend(left, right, options);
    this.#parts.nemesis?.release(left, right, options);
  }

  reset(a: Which, b: Which, options?: { readonly half?: boolean }): void {
    this.#sim.reset(this.#name(a), this.#name(b), options);
  }

  slow(a: Which, b: Which, { oneWay = false, ...worse }: SlowLink = {}): void {
    const { usual } = this.#parts;
    checkConditions("sim.slow", "link", worse);
    const isTold = Object.keys(worse).length > 0;
    const slower = {
      ...usual,
      ...(isTold ? worse : { latencyMs: usual.latencyMs + simulationLimits.slowMs }),
    };
    const [from, to] = [this.#name(a), this.#name(b)];
    this.#sim.link(from, to, slower);
    if (!oneWay) this.#sim.link(to, from, slower);
  }

  discoveryOut(isOut: boolean): void {
    this.#sim.discoveryOut(isOut);
  }

  heal(): void {
    this.#sim.heal();
    this.#parts.nemesis?.stop();
  }

  note(text: string): void {
    this.#sim.note("note", text);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#parts.close();
    } finally {
      // A wait that the test left unawaited fails it now, and not the next simulation.
      await this.#parts.sim.clock.settle();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What was seen, once a check that gave a promise has its answer. */
  async #answered<T>(
    seen: Seen<T | Promise<T>>,
    check: () => unknown,
    untilMs: number,
  ): Promise<Seen<T>> {
    if (!seen.held) return seen;
    const what = "What the check waits for";
    const withinMs = Math.max(0, untilMs - this.now);
    try {
      const value = isPromise(seen.value)
        ? await this.#parts.passage.settle(seen.value, { withinMs, what })
        : (seen.value as T);
      return heldBy(check, value);
    } catch (reason) {
      // What ended the simulation ends the waiting too.
      this.#parts.passage.refuseEnded();
      return { held: false, reason };
    }
  }

  #neverHeld(seen: string, reason: unknown, timeoutMs: number): Error {
    const done = this.trace.lines({
      last: simulationLimits.traceLines,
      match: ({ kind }) => telling.test(kind),
    });
    const parts = [
      `Not within ${timeoutMs} ms of virtual time, at ${this.now} ms: ${seen}`,
      ...this.#all.map((node) => `  ${node.name} ${describe(node)}`),
      "What happened last:",
      ...done,
    ];
    const cause = typeof reason === "string" ? undefined : reason;
    const details = { timeoutMs, target: "eventually" };
    return withSeed(coreErrors.ERR_TIMEOUT(parts.join("\n"), details, cause), this.seed);
  }

  #name(which: Which): string {
    return nodeAmong(this.#all, which).name;
  }
}
