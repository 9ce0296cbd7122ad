/**
 * forEachSeed: one test, many seeds. A bug that needs a rare order of events shows in one of a thousand runs; its seed
 * then shows it every time.
 */
import type { Cluster } from "../cluster.js";
import { invalidArgument, isPlain } from "./invalid-argument.js";
import { simulationLimits } from "./limits.js";
import type { NodesOption, SimulateClusterOptions } from "./options.js";
import { checkSeed, freshSeed, replayedSeed, withSeed, type Seed } from "./seed.js";
import { openSimulation } from "./simulate-cluster.js";
import type { SimulatedCluster } from "./simulated-cluster.js";

const WHERE = "forEachSeed";

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
  if (!isPlain(options)) throw invalidArgument(WHERE, "the options", "an object", options);
  if (typeof test !== "function") throw invalidArgument(WHERE, "test", "a function", test);
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
  const { seedsMax } = simulationLimits;
  if (isList(seeds) && seeds.length > 0) {
    for (const seed of seeds) checkSeed(WHERE, seed);
    return seeds;
  }
  if (!isList(seeds) && Number.isSafeInteger(seeds) && seeds >= 1 && seeds <= seedsMax) {
    const first = freshSeed();
    return Array.from({ length: seeds }, (_, index) => first + index);
  }
  const expected = `a whole number from 1 to ${seedsMax}, or a list that is not empty`;
  throw invalidArgument(WHERE, "seeds", expected, seeds);
}

function isList(seeds: number | readonly Seed[]): seeds is readonly Seed[] {
  return Array.isArray(seeds);
}
