/**
 * Nemesis: does to a simulated cluster what its plan says, until it is stopped. It draws nothing: what a strike finds
 * decides only whether it can be carried out, so a plan with fewer strikes does the remaining ones alike.
 */
import type { Simulator } from "@foundation/testkit";
import type { DiskBook } from "./disk-book.js";
import type { StackNode } from "./stack-node.js";
import type { Plan, Restart, Strike } from "./strike.js";
import type { FaultName, Swarm, TopologyMode } from "./swarm.js";

/** A node that has not left after so long is gone all the same, as an orchestrator sees to. */
const LEAVE_MS_MAX = 20_000;
/** How soon a host whose start was refused is started again, and with what. */
const REFUSED_RETRY_MS = 1_000;

/** After these a node has lost its memory. */
const killing: readonly FaultName[] = ["crash", "power", "leave", "drain", "storm", "disk-corrupt"];

export class Nemesis {
  readonly #sim: Simulator<StackNode>;
  readonly #swarm: Swarm;
  readonly #disks: DiskBook;
  #stopped = false;
  /** What was done, by name. */
  readonly done = new Map<FaultName, number>();

  constructor(sim: Simulator<StackNode>, swarm: Swarm, disks: DiskBook) {
    this.#sim = sim;
    this.#swarm = swarm;
    this.#disks = disks;
  }

  /** Plays the plan from now on. */
  start(plan: Plan): void {
    for (const strike of plan) {
      this.#sim.at(strike.atMs, () => {
        if (!this.#stopped) this.#strike(strike);
      });
    }
  }

  /** No further strikes; what was begun (a restart, an end of a pause) still happens. */
  stop(): void {
    this.#stopped = true;
  }

  /** True when a node lost its memory: what only it knew may be gone. */
  get killed(): boolean {
    return killing.some((name) => this.done.has(name));
  }

  /**
   * A start was refused because of the disk: the process has ended. The operator replaces a damaged disk and starts it
   * again until a full one has room.
   */
  refused(name: string, boot: number, isDamaged: boolean): void {
    const node = this.#sim.node(name);
    const restart = { node: name, downMs: REFUSED_RETRY_MS, disk: isDamaged ? "wiped" : "kept" };
    this.#sim.at(0, () => {
      if (node.boots !== boot || node.state === "down") return;
      this.#sim.crash(name);
      this.#restartLater(restart as Restart);
    });
  }

  #strike(strike: Strike): void {
    const sim = this.#sim;
    this.done.set(strike.fault, (this.done.get(strike.fault) ?? 0) + 1);
    switch (strike.fault) {
      case "partition":
        return sim.partition(strike.left, strike.right);
      case "one-way":
        return sim.partition(strike.left, strike.right, { oneWay: true });
      case "isolate":
        return sim.partition([strike.node], this.#othersThan(strike.node));
      case "heal":
        return sim.heal(this.#swarm.conditions);
      case "reset":
        return sim.reset(strike.a, strike.b);
      case "half-open":
        return sim.reset(strike.a, strike.b, { half: true });
      case "crash":
        return this.#crash(strike, "process");
      case "power":
        return this.#crash(strike, "power");
      case "leave":
        return this.#leave(strike);
      case "drain":
        return this.#drain(strike, strike.afterMs);
      case "storm":
        return strike.starts.forEach((start) => this.#crash(start, "process"));
      case "discovery":
        return sim.discoveryOut(strike.isOut);
      case "pause":
        return this.#pause(strike.node, strike.forMs);
      case "suspend":
        return this.#ifUp(strike.node, () => sim.suspend(strike.node, strike.forMs));
      case "skew":
        return sim.skewWall(strike.node, strike.byMs);
      case "jump":
        return sim.jumpWall(strike.node, strike.byMs);
      case "drift":
        return sim.driftClock(strike.node, strike.rate);
      case "switch":
        return this.#ifUp(strike.node, () => this.#switch(strike.node, strike.to));
      default:
        return this.#strikeLinkOrDisk(strike);
    }
  }

  #strikeLinkOrDisk(
    strike: Extract<
      Strike,
      { fault: "clog" | "starve" | "slow-node" | "network" | "flap" | `disk-${string}` }
    >,
  ): void {
    const sim = this.#sim;
    switch (strike.fault) {
      case "clog":
        sim.link(strike.a, strike.b, strike.conditions);
        if (strike.bothWays) sim.link(strike.b, strike.a, strike.conditions);
        return;
      case "starve":
        return sim.link(strike.a, strike.b, {
          ...this.#swarm.conditions,
          bytesPerMs: strike.bytesPerMs,
        });
      case "slow-node":
        for (const other of this.#othersThan(strike.node)) {
          sim.link(strike.node, other, strike.conditions);
          sim.link(other, strike.node, strike.conditions);
        }
        return;
      case "network":
        for (const { name } of sim.nodes) {
          for (const other of this.#othersThan(name)) sim.link(name, other, strike.conditions);
        }
        return;
      case "flap":
        return this.#flap(strike.a, strike.b, strike.turnsMs);
      case "disk-stall":
        return sim.stallDisk(strike.node, strike.forMs);
      case "disk-full":
        sim.fillDisk(strike.node, true);
        return sim.at(strike.forMs, () => sim.fillDisk(strike.node, false));
      case "disk-corrupt":
        this.#disks.damaged(strike.node);
        sim.corruptDisk(strike.node, strike.file === undefined ? {} : { file: strike.file });
        return this.#crash(strike, "process");
      default:
        strike satisfies never;
    }
  }

  #othersThan(name: string): readonly string[] {
    return this.#sim.nodes.map((node) => node.name).filter((other) => other !== name);
  }

  /** While it is away everything sent waits; a link that is cut and mended again and again does just that. */
  #flap(a: string, b: string, turnsMs: readonly number[]): void {
    let delayMs = 0;
    for (const [index, turnMs] of turnsMs.entries()) {
      const isAway = index % 2 === 0;
      const conditions = { ...this.#swarm.conditions, latencyMs: turnMs, jitterMs: 0 };
      this.#sim.at(delayMs, () => {
        this.#sim.link(a, b, isAway ? conditions : undefined);
        this.#sim.link(b, a, isAway ? conditions : undefined);
      });
      delayMs += turnMs;
    }
  }

  #switch(name: string, to: TopologyMode): void {
    const node = this.#sim.node(name);
    if (node.app !== undefined) node.within((app) => app.switchTopology(to));
  }

  #ifUp(name: string, act: () => void): void {
    if (this.#sim.node(name).state === "up") act();
  }

  #pause(name: string, forMs: number): void {
    this.#sim.pause(name);
    this.#sim.at(forMs, () => this.#sim.resume(name));
  }

  #crash(restart: Restart, kind: "process" | "power"): void {
    if (!this.#mayLose(restart.node)) return;
    this.#sim.crash(restart.node, { kind });
    this.#restartLater(restart);
  }

  /** An orderly end, and then the process is gone, as after SIGTERM. */
  #leave(restart: Restart): void {
    const name = restart.node;
    const node = this.#sim.node(name);
    if (!this.#mayLose(name) || node.app === undefined || node.app.isLeaving) return;
    this.#sim.note("leave", "", name);
    const boot = node.boots;
    const gone = () => {
      if (node.boots !== boot || node.state === "down") return;
      this.#sim.crash(name);
      this.#restartLater(restart);
    };
    node.within((app) => {
      void app.leave().then(() => this.#sim.at(0, gone));
    });
    this.#sim.at(LEAVE_MS_MAX, gone);
  }

  /** A farewell that is cut off: it no longer takes work, and then the process is gone. */
  #drain(restart: Restart, afterMs: number): void {
    const name = restart.node;
    const node = this.#sim.node(name);
    if (!this.#mayLose(name) || node.app === undefined || node.app.isLeaving) return;
    this.#sim.note("drain", "", name);
    const boot = node.boots;
    node.within((app) => void app.drain());
    this.#sim.at(afterMs, () => {
      if (node.boots === boot) this.#crash(restart, "process");
    });
  }

  /** One node at least stays, so that there is something to come back to. */
  #mayLose(name: string): boolean {
    const others = this.#sim.nodes.filter((node) => node.name !== name && node.state !== "down");
    return this.#sim.node(name).state !== "down" && others.length > 0;
  }

  #restartLater({ node, downMs, disk }: Restart): void {
    this.#sim.at(downMs, () => {
      if (this.#sim.node(node).state !== "down") return;
      if (disk !== "kept") this.#disks.damaged(node);
      this.#sim.restart(node, { disk });
    });
  }
}
