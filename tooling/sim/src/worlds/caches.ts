/**
 * `npm run sim -- cache --seeds 1000`: no stale value of a quorum, and of the other kinds what each promises once nothing is
 * wrong; one computation of a key, nothing lost or back, nothing moved but what must move.
 */
import { keptSeeds } from "../../../acceptance/caches/index.js";
import { figuresOf, happened } from "./figures.js";
import { withKept, type Worlds } from "./run-worlds.js";

export const caches: Worlds = {
  ...{ name: "cache", nodes: "3..5", for: "15s" },
  taskOf: (options) => ({ type: "caches", options: withKept(keptSeeds, options) }),
  figuresOf: (outcomes) => figuresOf(outcomes, happened(outcomes)),
};
