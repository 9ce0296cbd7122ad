/**
 * forEachSeed: one test, many seeds. A bug that needs a rare order of events shows in one of a thousand runs; its seed
 * then shows it every time.
 */
import { coreErrors } from "@foundation/core";
import type { Cluster } from "../cluster.js";
import { simulationLimits } from "./limits.js";
import type { NodesOption, SimulateClusterOptions } from "./options.js";
import { freshSeed, replayedSeed, withSeed, type Seed } from "./seed.js";
import { openSimulation } from "./simulate-cluster.js";
import type { SimulatedCluster } from "./simulated-cluster.js";

export interface ForEachSeedOptions<Nodes extends NodesOption = NodesOption, App = unknown>
  extends Omit<SimulateClusterOptions<Nodes, App>, "seed"> {
  /**
   * How many fresh ones, or exactly which. SEED of the environment goes before: then it is the only one.
   * @default 100
   */
  readonly seeds?: number | readonly Seed[];
}

/**
 * Runs the test in a simulation of each seed, one after the other, and closes each. The first failure ends it; its message
 * ends with the seed.
 *
 * @throws what the test or its simulation throws
 *
 * @example
 * ```ts
 * import { forEachSeed } from "@foundation/foundation/testing"
 *
 * await forEachSeed({ seeds: 20, nodes: 3, faults: "all" }, async (sim) => {
 *   await sim.run("20s")
 *   sim.heal()
 *   await sim.formed({ within: "60s" })
 * })
 * ```
 */
export async function forEachSeed<const Nodes extends NodesOption, App = Cluster>(
  options: ForEachSeedOptions<Nodes, App>,
  test: (sim: SimulatedCluster<App, Nodes>) => unknown,
): Promise<void> {
  const { seeds = 100, ...rest } = options;
  for (const seed of chosen(seeds)) {
    try {
      const sim = await openSimulation<Nodes, App>(rest, seed);
      try {
        await test(sim);
      } finally {
        await sim.close();
      }
    } catch (error) {
      throw withSeed(error, String(seed));
    }
  }
}

function chosen(seeds: number | readonly Seed[]): readonly Seed[] {
  const replayed = replayedSeed();
  if (replayed !== undefined) return [replayed];
  if (typeof seeds !== "number") return seeds;
  if (Number.isSafeInteger(seeds) && seeds >= 1 && seeds <= simulationLimits.seedsMax) {
    const first = freshSeed();
    return Array.from({ length: seeds }, (_, index) => first + index);
  }
  const expected = `a list, or a whole number from 1 to ${simulationLimits.seedsMax}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`forEachSeed: seeds must be ${expected}, found ${seeds}`, {
    argument: "seeds",
    expected,
    found: String(seeds),
  });
}
