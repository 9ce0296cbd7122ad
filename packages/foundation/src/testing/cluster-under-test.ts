/**
 * ClusterUnderTest: SimulatedCluster over the simulator. It adds no behaviour of nodes or network: it takes nodes by handle
 * or name, waits through one Passage, and ends each of its errors with the seed.
 */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import type { DiskDamage, LinkConditions, Simulator, Trace } from "@foundation/testkit";
import type { NodeUnderTest, Running } from "./cluster-node.js";
import { simulationLimits } from "./limits.js";
import type { Nemesis } from "./nemesis.js";
import type { NodesOption } from "./options.js";
import type { Passage } from "./passage.js";
import { withSeed } from "./seed.js";
import { heldBy, isPromise, lookAt, notHeld, type Seen } from "./seen.js";
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
  /^(broken|crash|cut|discovery|disk|drift|failure|heal|jump|link|note|pause|reset|resume|skew|start|suspend)$/;

export class ClusterUnderTest<App, Nodes extends NodesOption>
  implements SimulatedCluster<App, Nodes>
{
  readonly nodes: NodesOf<Nodes, App>;
  readonly #parts: Parts<App>;
  readonly #sim: Simulator<Running<App>>;
  readonly #all: readonly NodeUnderTest<App>[];
  #closed = false;

  constructor(parts: Parts<App>) {
    this.#parts = parts;
    this.#sim = parts.sim;
    this.#all = parts.nodes;
    // As many as `Nodes` says: they were made from it.
    this.nodes = parts.nodes as readonly unknown[] as NodesOf<Nodes, App>;
  }

  get seed(): string {
    return this.#sim.seed;
  }

  get now(): number {
    return this.#sim.clock.now();
  }

  get trace(): Trace {
    return this.#sim.trace;
  }

  node(name: string): NodeUnderTest<App> {
    const found = this.#all.find((node) => node.name === name);
    if (found) return found;
    const expected = this.#all.map((node) => node.name).join(", ");
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `There is no node "${name}" in this simulation; there are ${expected}`,
      { argument: "node", expected, found: name },
    );
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
    options: WaitOptions & { readonly every?: Duration } = {},
  ): Promise<Exclude<T, false>> {
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
      if (this.now >= untilMs) throw this.#neverHeld(check, answer.reason, withinMs);
      await passage.pass(Math.min(everyMs, untilMs - this.now));
    }
  }

  async formed(options: WaitOptions = {}): Promise<void> {
    await this.eventually(() => this.#listEachOther(), options);
  }

  check(name: string, holds: () => unknown): () => void {
    return this.#parts.passage.check(name, holds);
  }

  crash(node: Which, options?: { readonly kind?: "process" | "power" }): void {
    this.#sim.crash(nameOf(node), options);
  }

  restart(node: Which, options?: { readonly disk?: "kept" | "wiped" | "restored" }): void {
    this.#sim.restart(nameOf(node), options);
  }

  async stop(node: Which, { within = simulationLimits.withinMs }: WaitOptions = {}): Promise<void> {
    const stopped = this.node(nameOf(node));
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
    this.#sim.pause(nameOf(node));
  }

  resume(node: Which): void {
    this.#sim.resume(nameOf(node));
  }

  suspend(node: Which, duration: Duration): void {
    this.#sim.suspend(nameOf(node), parseDuration(duration, "duration"));
  }

  jumpWall(node: Which, byMs: number): void {
    this.#sim.jumpWall(nameOf(node), byMs);
  }

  driftClock(node: Which, rate: number): void {
    this.#sim.driftClock(nameOf(node), rate);
  }

  stallDisk(node: Which, duration: Duration): void {
    this.#sim.stallDisk(nameOf(node), parseDuration(duration, "duration"));
  }

  fillDisk(node: Which, isFull: boolean): void {
    this.#sim.fillDisk(nameOf(node), isFull);
  }

  corruptDisk(node: Which, options?: { readonly file?: string }): DiskDamage | undefined {
    return this.#sim.corruptDisk(nameOf(node), options);
  }

  snapshotDisk(node: Which): void {
    this.#sim.snapshotDisk(nameOf(node));
  }

  partition(
    a: Which | readonly Which[],
    b: Which | readonly Which[],
    options?: { readonly oneWay?: boolean },
  ): void {
    this.#sim.partition(this.#names(a), this.#names(b), options);
  }

  reset(a: Which, b: Which, options?: { readonly half?: boolean }): void {
    const [from, to] = [this.node(nameOf(a)).name, this.node(nameOf(b)).name];
    this.#sim.reset(from, to, options);
  }

  slow(a: Which, b: Which, { oneWay = false, ...worse }: SlowLink = {}): void {
    const { usual } = this.#parts;
    const isTold = Object.keys(worse).length > 0;
    const slower = { ...usual, ...(isTold ? worse : { latencyMs: usual.latencyMs + SLOW_MS }) };
    const [from, to] = [this.node(nameOf(a)).name, this.node(nameOf(b)).name];
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
    this.#parts.close();
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

  #neverHeld(check: () => unknown, reason: unknown, timeoutMs: number): Error {
    const seen = notHeld(check, reason);
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

  #listEachOther(): boolean {
    const up = this.#all.filter(({ state }) => state !== "down");
    const ids = up.map(({ cluster }) => `${cluster.self.id}/${cluster.self.boot}`).sort();
    return up.every(({ cluster }) => {
      const members = cluster.nodes();
      const seen = members.map(({ id, boot }) => `${id}/${boot}`).sort();
      return seen.join() === ids.join() && members.every(({ status }) => status === "alive");
    });
  }

  #names(which: Which | readonly Which[]): readonly string[] {
    const list = Array.isArray(which) ? (which as readonly Which[]) : [which as Which];
    return list.map((each) => this.node(nameOf(each)).name);
  }
}

const SLOW_MS = 500;
function nameOf(which: Which): string {
  return typeof which === "string" ? which : which.name;
}

/** "up, lists a, b", as an error shows it. */
function describe({ state, startedCluster }: NodeUnderTest<unknown>): string {
  const members = startedCluster?.nodes() ?? [];
  const seen = members.map(({ name, status }) =>
    status === "alive" ? name : `${name} (${status})`,
  );
  return startedCluster ? `${state}, lists ${seen.join(", ")}` : `${state}, in no cluster`;
}
