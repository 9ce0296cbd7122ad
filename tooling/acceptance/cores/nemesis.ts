/** CoreNemesis: does to a core world what a seed decides, until it is stopped. */
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { quietConditions, type CoreConditions, type CoreWorld } from "@foundation/testkit";

const faultNames = [
  "partition",
  "one-way",
  "isolate",
  "heal",
  "reset",
  "half-open",
  "crash",
  "power",
  "pause",
  "drift",
  "skew",
  "slow",
] as const;
export type CoreFault = (typeof faultNames)[number];

/** Everything about the faults of one run, drawn from its seed: the subset too, so that no fault always hides another. */
export interface CoreSwarm {
  readonly conditions: CoreConditions;
  readonly faults: readonly CoreFault[];
  /** Between two faults, on average. */
  readonly faultEveryMs: number;
  readonly downMsMax: number;
  readonly pauseMsMax: number;
  /** How often a node comes back with an empty disk, and so as another one. */
  readonly wipeChance: number;
}

const networks: readonly CoreConditions[] = [
  quietConditions,
  { ...quietConditions, latencyMs: 2, jitterMs: 10, spikeChance: 0.01, spikeMs: 300 },
  { ...quietConditions, latencyMs: 30, jitterMs: 40, spikeChance: 0.02, spikeMs: 1_000 },
  { ...quietConditions, latencyMs: 1, jitterMs: 150, spikeChance: 0.05, spikeMs: 2_000 },
];

export function drawCoreSwarm(seed: string): CoreSwarm {
  const random = seededRandom(`core swarm ${seed}`);
  const share = 0.2 + random.next() * 0.8;
  const faults = faultNames.filter(() => random.next() < share);
  return {
    conditions: pick(random, networks),
    faults: faults.length > 0 ? faults : ["crash"],
    faultEveryMs: 150 + random.next() ** 2 * 10_000,
    downMsMax: 200 + random.next() * 25_000,
    pauseMsMax: 100 + random.next() ** 2 * 20_000,
    wipeChance: random.next() * 0.5,
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random.next() * from.length)] as T;
}

/** What a nemesis does to a world, whatever the world's cores are. */
type Victim = Pick<
  CoreWorld<never, unknown>,
  | "at"
  | "crash"
  | "driftClock"
  | "heal"
  | "link"
  | "node"
  | "nodes"
  | "partition"
  | "pause"
  | "random"
  | "reset"
  | "restart"
  | "resume"
  | "skewWall"
>;

export class CoreNemesis {
  readonly #world: Victim;
  readonly #swarm: CoreSwarm;
  #isStopped = false;
  readonly done = new Map<CoreFault, number>();

  constructor(world: Victim, swarm: CoreSwarm) {
    this.#world = world;
    this.#swarm = swarm;
  }

  start(): void {
    const { random } = this.#world;
    this.#world.at(-Math.log(1 - random.next()) * this.#swarm.faultEveryMs, () => {
      if (this.#isStopped) return;
      this.#strike(pick(random, this.#swarm.faults));
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  #strike(fault: CoreFault): void {
    const world = this.#world;
    const { random } = world;
    const all = world.nodes.map(({ node }) => node);
    const a = pick(random, all);
    const others = all.filter((node) => node !== a);
    const b = pick(random, others);
    this.done.set(fault, (this.done.get(fault) ?? 0) + 1);
    switch (fault) {
      case "partition":
        return this.#split(all, false);
      case "one-way":
        if (random.next() < 0.5) return this.#split(all, true);
        return world.partition([a], [b], { oneWay: true });
      case "isolate":
        return world.partition([a], others);
      case "heal":
        return world.heal();
      case "reset":
        return world.reset(a, b);
      case "half-open":
        return world.reset(a, b, { half: true });
      case "crash":
        return this.#crash(a, "process");
      case "power":
        return this.#crash(a, "power");
      case "pause":
        world.pause(a);
        return world.at(50 + random.next() * this.#swarm.pauseMsMax, () => world.resume(a));
      case "drift":
        return world.driftClock(a, 0.9 + random.next() * 0.2);
      case "skew":
        return world.skewWall(a, Math.round((random.next() * 2 - 1) * 3_600_000));
      case "slow":
        return this.#slow(a, b);
      default:
        fault satisfies never;
    }
  }

  #split(all: readonly number[], oneWay: boolean): void {
    const { random } = this.#world;
    const left = all.filter(() => random.next() < 0.5);
    const right = all.filter((node) => !left.includes(node));
    if (left.length > 0 && right.length > 0) this.#world.partition(left, right, { oneWay });
  }

  #slow(a: number, b: number): void {
    const { random } = this.#world;
    const slow: CoreConditions = {
      ...quietConditions,
      latencyMs: random.next() * 3_000,
      jitterMs: random.next() * 500,
      spikeChance: 0.1,
      spikeMs: 2_000,
    };
    this.#world.link(a, b, slow);
    if (random.next() < 0.5) this.#world.link(b, a, slow);
  }

  /** One node at least stays, so that there is something to come back to. */
  #crash(node: number, kind: "process" | "power"): void {
    const world = this.#world;
    const { random } = world;
    const up = world.nodes.filter(({ state }) => state !== "down");
    if (up.length < 2 || world.node(node).state === "down") return;
    world.crash(node, { kind });
    const disk = random.next() < this.#swarm.wipeChance ? "wiped" : "kept";
    world.at(10 + random.next() * this.#swarm.downMsMax, () => {
      if (world.node(node).state === "down") world.restart(node, { disk });
    });
  }
}
