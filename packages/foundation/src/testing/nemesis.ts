/**
 * Nemesis: makes things go wrong, at times and places its seed decides, until it is stopped.
 *
 * What it took down comes up again; what it cut or slowed is as usual again after a while, so that a long run sees
 * recoveries too. What the test itself has cut stays cut. One node at least stays up, so that there is something to come
 * back to.
 */
import type { Random } from "@foundation/core";
import type { Simulator } from "@foundation/testkit";
import type { FaultName, FaultPlan } from "./faults.js";

const HOUR_MS = 3_600_000;

type LinkFault = "clog" | "discovery" | "half-open" | "one-way" | "partition" | "reset";
type EndOfNode = "crash" | "power" | "restore" | "wipe";
/** What a node's disk is when it starts again. */
const diskAfter = { crash: "kept", power: "kept", restore: "restored", wipe: "wiped" } as const;

export class Nemesis {
  readonly #sim: Simulator<unknown>;
  readonly #plan: FaultPlan;
  readonly #random: Random;
  readonly #hasReturned: (name: string) => boolean;
  /** Nodes that it took down: the number of the boot that ended, and what their disk will be. */
  readonly #down = new Map<
    string,
    { readonly boots: number; readonly disk: "kept" | "restored" | "wiped" }
  >();
  /** Links that the test has cut by hand, as "from>to": the end of a drawn partition leaves them cut. */
  readonly #held = new Set<string>();
  #stopped = false;

  /** @param hasReturned whether the application of a node has started */
  constructor(
    sim: Simulator<unknown>,
    plan: FaultPlan,
    random: Random,
    hasReturned: (name: string) => boolean,
  ) {
    this.#hasReturned = hasReturned;
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
    this.#held.clear();
    for (const name of [...this.#down.keys()]) this.#restart(name);
  }

  /** The test has cut these links. */
  hold(...groups: Parameters<Simulator<unknown>["partition"]>): void {
    for (const link of linksOf(...groups)) this.#held.add(link);
  }

  /** The test has mended them. */
  release(...groups: Parameters<Simulator<unknown>["partition"]>): void {
    for (const link of linksOf(...groups)) this.#held.delete(link);
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

  #strikeHost(fault: Exclude<FaultName, LinkFault>, name: string, others: readonly string[]): void {
    const sim = this.#sim;
    const random = this.#random;
    const downMs = random.next() * this.#plan.downMs;
    switch (fault) {
      case "crash":
      case "power":
      case "restore":
      case "wipe":
        return this.#crash(name, others, fault);
      case "pause":
        sim.pause(name);
        return this.#later(downMs, () => sim.resume(name));
      case "suspend":
        return sim.suspend(name, downMs);
      case "skew":
        return sim.skewWall(name, Math.round((random.next() * 2 - 1) * HOUR_MS));
      case "jump":
        return sim.jumpWall(name, Math.round((random.next() * 2 - 1) * HOUR_MS));
      case "full":
        return this.#fill(name);
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
    this.#passing(() => this.#mend(left, right));
  }

  #mend(left: readonly string[], right: readonly string[]): void {
    const isHeld = linksOf(left, right).some((link) => this.#held.has(link));
    if (!isHeld) return this.#sim.mend(left, right);
    for (const [sources, targets] of [[left, right] as const, [right, left] as const]) {
      for (const from of sources) {
        const free = targets.filter((to) => !this.#held.has(`${from}>${to}`));
        if (free.length > 0) this.#sim.mend([from], free, { oneWay: true });
      }
    }
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

  /** Only under an application that runs: one that starts may be right to refuse a disk that is full. */
  #fill(name: string): void {
    const { boots } = this.#sim.node(name);
    if (!this.#hasReturned(name)) return;
    this.#sim.fillDisk(name, true);
    this.#passing(() => {
      if (this.#sim.node(name).boots === boots) this.#sim.fillDisk(name, false);
    });
  }

  #crash(name: string, others: readonly string[], fault: EndOfNode): void {
    const { state, boots } = this.#sim.node(name);
    const isLast = others.every((other) => this.#sim.node(other).state === "down");
    if (state === "down" || isLast) return;
    this.#sim.crash(name, { kind: fault === "power" ? "power" : "process" });
    this.#sim.fillDisk(name, false);
    this.#down.set(name, { boots, disk: diskAfter[fault] });
    this.#later(10 + this.#random.next() * this.#plan.downMs, () => this.#restart(name));
  }

  /** Unless the test has started it meanwhile. */
  #restart(name: string): void {
    const taken = this.#down.get(name);
    this.#down.delete(name);
    const node = this.#sim.node(name);
    if (node.state !== "down" || node.boots !== taken?.boots) return;
    this.#sim.restart(name, { disk: taken.disk });
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

/** As "from>to". */
function linksOf(
  a: readonly string[],
  b: readonly string[],
  { oneWay = false }: { readonly oneWay?: boolean } = {},
): readonly string[] {
  return a.flatMap((from) => {
    return b.flatMap((to) => (oneWay ? [`${from}>${to}`] : [`${from}>${to}`, `${to}>${from}`]));
  });
}
