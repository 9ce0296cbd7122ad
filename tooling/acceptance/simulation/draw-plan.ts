/** drawPlan: what will be done to a cluster and when, all of it drawn from the seed before anything runs. */
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { between, chance, pick } from "./draws.js";
import type { DiskAfter, Plan, Restart, Strike } from "./strike.js";
import { drawNetwork, nodeName, topologyModes, type FaultName, type Swarm } from "./swarm.js";

const HOUR_MS = 3_600_000;
/** Bounds of a plan: a longer one says nothing more. */
const STRIKES_MAX = 5_000;
/** Also longer than handing over may take. */
const DRAIN_MS_MAX = 12_000;
const FLAP = { turnsMax: 20, leastMs: 100, mostMs: 900 } as const;

type Draw<Fault extends FaultName> = Omit<Extract<Strike, { fault: Fault }>, "atMs" | "fault">;

/** Pure: equal arguments give equal plans. `forMs`: how long faults rage. */
export function drawPlan(seed: string, swarm: Swarm, forMs: number): Plan {
  const random = seededRandom(`plan ${seed}`);
  const draws = new Draws(random, swarm);
  const plan: Strike[] = [];
  let atMs = 0;
  while (plan.length < STRIKES_MAX) {
    atMs += Math.max(1, Math.round(-Math.log(1 - random.next()) * swarm.faultEveryMs));
    if (atMs >= forMs) break;
    const fault = pick(random, swarm.faults);
    const drawn = draws.of(fault);
    if (drawn !== undefined) plan.push({ atMs, fault, ...drawn } as Strike);
  }
  return plan;
}

class Draws {
  readonly #random: Random;
  readonly #swarm: Swarm;
  readonly #names: readonly string[];

  constructor(random: Random, swarm: Swarm) {
    this.#random = random;
    this.#swarm = swarm;
    this.#names = Array.from({ length: swarm.nodes }, (_, index) => nodeName(index + 1));
  }

  /** The parameters of one fault; undefined when the draw does nothing. */
  of(fault: FaultName): object | undefined {
    const random = this.#random;
    const node = pick(random, this.#names);
    switch (fault) {
      case "partition":
        return this.#split();
      case "one-way":
        return chance(random, 0.5) ? this.#split() : this.#oneLink();
      case "isolate":
        return { node } satisfies Draw<"isolate">;
      case "heal":
        return {} satisfies Draw<"heal">;
      case "reset":
      case "half-open":
        return this.#pair();
      case "crash":
      case "power":
      case "leave":
        return this.#restart(node);
      case "drain":
        return { ...this.#restart(node), afterMs: between(random, 0, DRAIN_MS_MAX) };
      case "storm":
        return this.#storm();
      case "pause":
      case "suspend":
        return { node, forMs: 50 + Math.round(random.next() * this.#swarm.pauseMsMax) };
      case "skew":
      case "jump":
        return { node, byMs: between(random, -HOUR_MS, HOUR_MS) };
      case "drift":
        return { node, rate: between(random, 900, 1_100) / 1_000 } satisfies Draw<"drift">;
      case "disk-stall":
      case "disk-full":
        return { node, forMs: between(random, 100, 10_000) };
      case "disk-corrupt":
        return this.#damage(node);
      case "switch":
        return { node, to: pick(random, topologyModes) } satisfies Draw<"switch">;
      default:
        return this.#ofNetwork(fault, node);
    }
  }

  #ofNetwork(
    fault: "clog" | "starve" | "slow-node" | "network" | "flap" | "discovery",
    node: string,
  ): object {
    const random = this.#random;
    switch (fault) {
      case "clog": {
        const bothWays = chance(random, 0.5);
        return { ...this.#pair(), conditions: this.#slow(), bothWays } satisfies Draw<"clog">;
      }
      case "starve":
        return { ...this.#pair(), bytesPerMs: between(random, 1, 20) / 10 };
      case "slow-node":
        return { node, conditions: this.#slow() } satisfies Draw<"slow-node">;
      case "network":
        return { conditions: drawNetwork(random) } satisfies Draw<"network">;
      case "flap":
        return this.#flap();
      case "discovery":
        return { isOut: chance(random, 0.5) } satisfies Draw<"discovery">;
      default:
        return fault satisfies never;
    }
  }

  #pair(): { readonly a: string; readonly b: string } {
    const a = pick(this.#random, this.#names);
    const others = this.#names.filter((name) => name !== a);
    return { a, b: pick(this.#random, others) };
  }

  #split(): Draw<"partition"> | undefined {
    const left = this.#names.filter(() => chance(this.#random, 0.5));
    const right = this.#names.filter((name) => !left.includes(name));
    return left.length > 0 && right.length > 0 ? { left, right } : undefined;
  }

  #oneLink(): Draw<"one-way"> {
    const { a, b } = this.#pair();
    return { left: [a], right: [b] };
  }

  #restart(node: string): Restart {
    const downMs = 10 + Math.round(this.#random.next() * this.#swarm.downMsMax);
    return { node, downMs, disk: this.#disk() };
  }

  #disk(): DiskAfter {
    const drawn = this.#random.next();
    if (drawn < this.#swarm.wipeChance) return "wiped";
    return drawn < this.#swarm.wipeChance + this.#swarm.restoreChance ? "restored" : "kept";
  }

  /** Many start again at once, as after a deployment that went wrong or a rack's power. */
  #storm(): Draw<"storm"> {
    const share = 0.3 + this.#random.next() * 0.7;
    const struck = this.#names.filter(() => chance(this.#random, share));
    const downMs = between(this.#random, 10, 3_000);
    return { starts: struck.map((node) => ({ node, downMs, disk: this.#disk() })) };
  }

  #damage(node: string): Draw<"disk-corrupt"> {
    const files = ["node/identity.json", "simulation/journal.log", undefined];
    const downMs = between(this.#random, 10, 5_000);
    return { node, downMs, disk: "kept", file: pick(this.#random, files) };
  }

  #slow(): Draw<"slow-node">["conditions"] {
    const random = this.#random;
    return {
      latencyMs: between(random, 0, 3_000),
      jitterMs: between(random, 0, 500),
      spikeChance: 0.1,
      spikeMs: 2_000,
      bytesPerMs: between(random, 1, 200),
    };
  }

  #flap(): Draw<"flap"> {
    const random = this.#random;
    const turns = 2 * between(random, 1, FLAP.turnsMax / 2);
    const turnsMs = Array.from({ length: turns }, () => between(random, FLAP.leastMs, FLAP.mostMs));
    return { ...this.#pair(), turnsMs };
  }
}
