/**
 * Storms: ten faults in a row that a seed decides, under calls from everybody; then all heals, and everything must be
 * as promised. The same seed does the same to each world, at the same times.
 */
import assert from "node:assert/strict";
import type { Random } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { NodeControl, World } from "../world.js";
import type { Scenario } from "./scenario.js";
import {
  allHear,
  allList,
  allServe,
  balance,
  busyTrio,
  ledgers,
  oneInstanceEach,
  startLedgers,
  trio,
} from "./scenario.js";

const faults = [
  "kill",
  "leave",
  "partition",
  "one-way",
  "heal",
  "reset",
  "half-open",
  "restart",
] as const;
const faultsMax = 10;
/** Between two calls of one node. */
const everyMs = 20;
const betweenMs = { min: 200, max: 2_500 } as const;

/** A storm as its seed has it. */
export function storm(seed: string): Scenario {
  return {
    name: `storm "${seed}": ten faults in a row, and after the heal one of everything, the books balanced`,
    needs: ["kill", "partition", "one-way", "reset", "half-open"],
    play: (world) => new Storm(world, seededRandom(seed)).play(),
  };
}

/** The storms of every run. */
export const storms: readonly Scenario[] = [storm("ada"), storm("bea")];

class Storm {
  readonly #up = new Map<string, NodeControl>();
  /** What was done, for the message of a failure. */
  readonly #done: string[] = [];

  constructor(
    readonly world: World,
    readonly random: Random,
  ) {}

  async play(): Promise<void> {
    const { world } = this;
    for (const node of await busyTrio(world, everyMs)) this.#up.set(node.name, node);
    for (let i = 0; i < faultsMax; i += 1) {
      await this.#strike();
      const { min, max } = betweenMs;
      await world.run(Math.round(min + this.random.next() * (max - min)));
    }
    try {
      await this.#calm();
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw new Error(`${cause}\nafter: ${this.#done.join("; ")}`, { cause: error });
    }
  }

  /** Heals everything and starts who is down; then all must be well within bounds. */
  async #calm(): Promise<void> {
    const { world } = this;
    await world.heal();
    for (const name of trio) if (!this.#up.has(name)) await this.#restart(name);
    const nodes = trio.map((name) => this.#up.get(name) as NodeControl);
    await world.eventually(() => allList(nodes), "45s");
    await balance(world, nodes);
    // A name whose every witness was killed is gone, and may be started again; the others are found.
    await startLedgers(world, nodes);
    await world.eventually(() => allServe(nodes), "20s");
    await world.eventually(() => oneInstanceEach(nodes), "20s");
    await allHear(world, nodes);
    await balance(world, nodes);
  }

  async #strike(): Promise<void> {
    const { world } = this;
    const fault = this.#pick(faults);
    const [a, b, c] = this.#shuffled() as [string, string, string];
    const isLast = this.#up.size === 1;
    const [up = a] = [a, b, c].filter((name) => this.#up.has(name));
    const [down] = [a, b, c].filter((name) => !this.#up.has(name));
    this.#done.push(`${Math.round(world.now())} ms ${fault} ${a} ${b} ${c}`);
    switch (fault) {
      case "kill":
      case "leave":
        if (isLast) return;
        this.#up.delete(up);
        return fault === "kill" ? world.kill(up) : world.stop(up);
      case "partition":
        return world.partition([a], [b, c]);
      case "one-way":
        return world.cut([a], this.random.next() < 0.5 ? [b] : [b, c]);
      case "heal":
        return world.heal();
      case "reset":
        return world.reset(a, b);
      case "half-open":
        return world.halfOpen(a, b);
      case "restart":
        return down === undefined ? undefined : this.#restart(down);
      default:
        fault satisfies never;
    }
  }

  async #restart(name: string): Promise<void> {
    const node = await this.world.restart(name);
    this.#up.set(name, node);
    await node.work(ledgers, { everyMs });
  }

  #shuffled(): readonly string[] {
    const names: string[] = [...trio];
    for (let i = names.length - 1; i > 0; i -= 1) {
      const j = this.random.uint32() % (i + 1);
      [names[i], names[j]] = [names[j] as string, names[i] as string];
    }
    assert.equal(names.length, trio.length);
    return names;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.random.uint32() % from.length] as T;
  }
}
