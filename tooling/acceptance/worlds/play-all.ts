/**
 * playAll: every scenario in one world, as tests of jest, and one row each in the table.
 *
 * What the world cannot do is left out by name: the test file lists those scenarios, so that none is left out unnoticed.
 */
import { afterAll, describe, expect, test as jestTest } from "@jest/globals";
import { scenarios } from "./scenarios/index.js";
import type { Scenario } from "./scenarios/scenario.js";
import { printTable, record } from "./table.js";
import type { Capability, World, WorldName } from "./world.js";

/** What `requires()` gives, or jest's own. */
type Test = (name: string, fn: () => Promise<void>, timeoutMs?: number) => void;

export interface PlayOptions {
  readonly world: WorldName;
  readonly can: readonly Capability[];
  /** Makes a new world for a scenario. */
  readonly create: (scenario: Scenario) => World | Promise<World>;
  /** Capabilities whose lack leaves scenarios out here. */
  readonly leftOut: readonly Capability[];
  /** @default jest's */
  readonly test?: Test;
  /** Scenarios played at the same time: most of real time is waiting. @default 1 */
  readonly atOnce?: number;
  /** Said in the table when `test` skips. */
  readonly skipReason?: string | undefined;
}

/** Longer than the bounds of any scenario together. */
const timeoutMs = 240_000;

export function playAll(options: PlayOptions): void {
  const { world, can, create, leftOut, test = jestTest, atOnce = 1, skipReason } = options;
  const turns = new Turns(atOnce);
  const lackOf = ({ needs }: Scenario) => needs.filter((need) => !can.includes(need));
  describe(`in the ${world} world`, () => {
    for (const scenario of scenarios) {
      const lack = lackOf(scenario);
      if (lack.length > 0) {
        record({ scenario: scenario.name, world, result: `skipped (no ${lack.join(", ")})` });
        continue;
      }
      if (skipReason !== undefined) {
        record({ scenario: scenario.name, world, result: `skipped (needs ${skipReason})` });
      }
      test(scenario.name, () => turns.take(() => play(scenario)), timeoutMs);
    }

    jestTest("only scenarios that need what this world cannot do are left out", () => {
      const lacks = new Set(scenarios.flatMap(lackOf));
      expect([...lacks].toSorted()).toEqual([...leftOut].toSorted());
    });
  });
  afterAll(() => printTable(scenarios.map(({ name }) => name)));

  async function play(scenario: Scenario): Promise<void> {
    const startedMs = performance.now();
    const seconds = () => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
    const played = await create(scenario);
    try {
      await scenario.play(played);
      const virtual = world === "simulated" ? ` for ${(played.now() / 1_000).toFixed(0)} s` : "";
      record({ scenario: scenario.name, world, result: `passed in ${seconds()}${virtual}` });
    } catch (error) {
      record({ scenario: scenario.name, world, result: `FAILED after ${seconds()}` });
      throw error;
    } finally {
      await played.close();
    }
  }
}

/** At most so many at the same time; the others wait in order. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
