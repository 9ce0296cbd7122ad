/** Hosts: the nodes of a simulation, and everything that is done to one of them, each with its line in the trace. */
import { coreErrors } from "@foundation/core";
import { invalidArgument } from "../invalid-argument.js";
import type { World } from "./boot.js";
import type { DiskDamage } from "./disk-file.js";
import type { DiskFaults, HostFaults } from "./faults.js";
import { simulationLimits } from "./limits.js";
import { NodeOfSimulation, type NodeParts, type SimulatedApp } from "./simulated-node.js";

export class Hosts<App> implements HostFaults, DiskFaults {
  readonly #nodes = new Map<string, NodeOfSimulation<App>>();
  readonly #parts: NodeParts;

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  get all(): readonly NodeOfSimulation<App>[] {
    return [...this.#nodes.values()];
  }

  find(name: string): NodeOfSimulation<App> | undefined {
    return this.#nodes.get(name);
  }

  get(name: string): NodeOfSimulation<App> {
    const node = this.#nodes.get(name);
    if (node) return node;
    const expected = [...this.#nodes.keys()].join(", ") || "none yet: add it";
    const message = `There is no node "${name}"; there are ${expected}`;
    throw coreErrors.ERR_INVALID_ARGUMENT(message, { argument: "name", expected, found: name });
  }

  add(name: string, app: SimulatedApp<App>): NodeOfSimulation<App> {
    if (!/^[a-z0-9-]+$/.test(name) || this.#nodes.has(name)) {
      throw invalidArgument("name", "one that no other node has, made of a-z 0-9 -", `"${name}"`);
    }
    const { nodesMax } = simulationLimits;
    if (this.#nodes.size >= nodesMax) {
      throw invalidArgument("nodes", `at most ${nodesMax}`, `${nodesMax + 1}`);
    }
    const random = this.#parts.random.fork(`node ${name}`);
    const node = new NodeOfSimulation<App>(name, { ...this.#parts, random }, app);
    this.#nodes.set(name, node);
    this.#note("start", "boot 1", name);
    node.start();
    return node;
  }

  crash(name: string, { kind = "process" }: Parameters<HostFaults["crash"]>[1] = {}): void {
    const node = this.get(name);
    this.#note("crash", kind, name);
    node.crash(kind);
  }

  restart(name: string, { disk = "kept" }: Parameters<HostFaults["restart"]>[1] = {}): void {
    const node = this.get(name);
    node.crash("process");
    if (disk === "wiped") node.disk.wipe();
    if (disk === "restored") node.disk.restore();
    this.#note("start", `boot ${node.boots + 1}, disk ${disk}`, name);
    node.start();
  }

  pause(name: string): void {
    const node = this.get(name);
    this.#note("pause", "", name);
    node.boot?.pause();
  }

  resume(name: string): void {
    const node = this.get(name);
    if (node.state !== "paused") return;
    this.#note("resume", "", name);
    node.resume();
  }

  suspend(
    name: string,
    durationMs: number,
    { clock = "runs" }: Parameters<HostFaults["suspend"]>[2] = {},
  ): void {
    const node = this.get(name);
    if (node.state === "down") return;
    this.#note("suspend", `${durationMs} ms, its clock ${clock}`, name);
    node.suspend(clock === "stands");
    const { clock: time } = this.#world;
    // A longer suspension goes on when a shorter one ends.
    node.wakesMs = Math.max(node.wakesMs, time.now() + durationMs);
    const { boot } = node;
    const wake = () => {
      const isDue = node.isSuspended && time.now() >= node.wakesMs;
      if (node.boot === boot && isDue) this.resume(name);
    };
    time.setTimer(durationMs, () => this.#world.enter(undefined, wake));
  }

  skewWall(name: string, offsetMs: number): void {
    const node = this.get(name);
    this.#note("skew", `${offsetMs} ms`, name);
    node.wallSkewMs = offsetMs;
  }

  jumpWall(name: string, byMs: number): void {
    const node = this.get(name);
    this.#note("jump", `${byMs} ms`, name);
    node.wallSkewMs += byMs;
  }

  driftClock(name: string, rate: number): void {
    const node = this.get(name);
    if (!(rate > 0 && rate < Infinity)) {
      throw invalidArgument("rate", "a number more than 0, as 0.9 or 1.1", String(rate));
    }
    this.#note("drift", `${rate} times`, name);
    node.driftClock(rate);
  }

  stallDisk(name: string, durationMs: number): void {
    const node = this.get(name);
    this.#note("disk", `stalls for ${durationMs} ms`, name);
    node.disk.queue.stall(durationMs);
  }

  fillDisk(name: string, isFull: boolean): void {
    const node = this.get(name);
    this.#note("disk", isFull ? "is full" : "has room", name);
    node.disk.isFull = isFull;
  }

  corruptDisk(name: string, options: { readonly file?: string } = {}): DiskDamage | undefined {
    const damage = this.get(name).disk.corrupt(options.file);
    const what = damage && `${damage.kind} in ${damage.file} at ${damage.offset}`;
    this.#note("disk", what ?? "has nothing to corrupt", name);
    return damage;
  }

  snapshotDisk(name: string): void {
    const node = this.get(name);
    this.#note("disk", "snapshot", name);
    node.disk.takeSnapshot();
  }

  /** What each node has to wait for: where a promise that nothing settles may come from. */
  describe(): string {
    const nodes = this.all.map(({ name, state, pendingTimers, disk }) => {
      const { size, isStalled } = disk.queue;
      const operations = size > 0 ? `, ${size} operations of its disk` : "";
      return `${name} is ${state}, ${pendingTimers} timers${operations}${isStalled ? ", stalled" : ""}`;
    });
    return nodes.join("; ");
  }

  /** Ends what a heal ends: skew, drift, pauses, suspensions, stalls and full disks. */
  heal(): void {
    for (const node of this.#nodes.values()) {
      node.wallSkewMs = 0;
      node.driftClock(1);
      node.disk.isFull = false;
      node.disk.queue.endStall();
      this.resume(node.name);
    }
  }

  get #world(): World {
    return this.#parts.world;
  }

  #note(kind: string, text: string, node: string): void {
    const { clock, trace } = this.#parts.world;
    trace.line(clock.now(), node, kind, text);
  }
}
