/**
 * Nemesis: makes things go wrong, at times and places its seed decides, until it is stopped.
 *
 * What it took down comes up again; what it cut or slowed is as usual again after a while, so that a long run sees
 * recoveries too: the end of a partition heals everything. One node at least stays up, so that there is something to come
 * back to.
 */
import type { Random } from "@foundation/core";
import type { Simulator } from "@foundation/testkit";
import type { FaultName, FaultPlan } from "./faults.js";

const HOUR_MS = 3_600_000;

type HostFault = "crash" | "drift" | "pause" | "power" | "skew" | "stall" | "suspend";

export class Nemesis {
  readonly #sim: Simulator<unknown>;
  readonly #plan: FaultPlan;
  readonly #random: Random;
  /** Nodes that it took down, by the number of the boot that ended. */
  readonly #down = new Map<string, number>();
  #stopped = false;

  constructor(sim: Simulator<unknown>, plan: FaultPlan, random: Random) {
    this.#sim = sim;
    this.#plan = plan;
    this.#random = random;
  }

  start(): void {
    const delayMs = -Math.log(1 - this.#random.next()) * this.#plan.everyMs;
    this.#later(delayMs, () => {
      this.#strike(this.#pick(this.#plan.kinds));
      this.start();
    });
  }

  /** Does nothing more, and starts what it took down. */
  stop(): void {
    this.#stopped = true;
    for (const name of [...this.#down.keys()]) this.#restart(name);
  }

  #strike(fault: FaultName): void {
    const sim = this.#sim;
    const names = sim.nodes.map(({ name }) => name);
    const a = this.#pick(names);
    const others = names.filter((name) => name !== a);
    switch (fault) {
      case "partition":
      case "one-way":
        return this.#split(names, fault === "one-way");
      case "reset":
      case "half-open":
        if (others.length > 0) sim.reset(a, this.#pick(others), { half: fault === "half-open" });
        return undefined;
      case "clog":
        return others.length > 0 ? this.#clog(a, this.#pick(others)) : undefined;
      case "discovery":
        sim.discoveryOut(true);
        return this.#passing(() => sim.discoveryOut(false));
      default:
        return this.#strikeHost(fault, a, others);
    }
  }

  #strikeHost(fault: HostFault, name: string, others: readonly string[]): void {
    const sim = this.#sim;
    const random = this.#random;
    const downMs = random.next() * this.#plan.downMs;
    switch (fault) {
      case "crash":
      case "power":
        return this.#crash(name, others, fault === "power" ? "power" : "process");
      case "pause":
        sim.pause(name);
        return this.#later(downMs, () => sim.resume(name));
      case "suspend":
        return sim.suspend(name, downMs);
      case "skew":
        return sim.skewWall(name, Math.round((random.next() * 2 - 1) * HOUR_MS));
      case "drift":
        return sim.driftClock(name, 0.9 + random.next() * 0.2);
      case "stall":
        return sim.stallDisk(name, random.next() * this.#plan.lastsMs);
      default:
        fault satisfies never;
    }
  }

  #split(names: readonly string[], oneWay: boolean): void {
    const left = names.filter(() => this.#random.next() < 0.5);
    const right = names.filter((name) => !left.includes(name));
    if (left.length === 0 || right.length === 0) return;
    this.#sim.partition(left, right, { oneWay });
    this.#passing(() => this.#sim.heal());
  }

  #clog(a: string, b: string): void {
    const slow = {
      latencyMs: this.#random.next() * 3_000,
      jitterMs: this.#random.next() * 500,
      spikeChance: 0.1,
      spikeMs: 2_000,
      bytesPerMs: 1 + this.#random.next() * 200,
    };
    this.#sim.link(a, b, slow);
    this.#passing(() => this.#sim.link(a, b));
  }

  #crash(name: string, others: readonly string[], kind: "process" | "power"): void {
    const { state, boots } = this.#sim.node(name);
    const isLast = others.every((other) => this.#sim.node(other).state === "down");
    if (state === "down" || isLast) return;
    this.#sim.crash(name, { kind });
    this.#down.set(name, boots);
    this.#later(10 + this.#random.next() * this.#plan.downMs, () => this.#restart(name));
  }

  /** Unless the test has started it meanwhile. */
  #restart(name: string): void {
    const boots = this.#down.get(name);
    this.#down.delete(name);
    const node = this.#sim.node(name);
    if (node.state === "down" && node.boots === boots) this.#sim.restart(name);
  }

  #passing(end: () => void): void {
    this.#later(this.#random.next() * this.#plan.lastsMs, end);
  }

  #later(delayMs: number, fn: () => void): void {
    this.#sim.at(delayMs, () => {
      if (!this.#stopped) fn();
    });
  }

  #pick<T>(from: readonly T[]): T {
    const index = Math.floor(this.#random.next() * from.length);
    return from[index] as T;
  }
}
