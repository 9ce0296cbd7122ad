/** `npm run sim -- state --seeds 1000`: replicated state of all types: it converges, nothing is lost, and nothing comes back. */
import { figuresOf, sumOf } from "./figures.js";
import type { Worlds } from "./run-worlds.js";

export const state: Worlds = {
  ...{ name: "state", nodes: "3..5", for: "20s" },
  taskOf: (options) => ({ type: "state", options }),
  figuresOf: (outcomes) =>
    figuresOf(outcomes, [{ name: "writes", value: sumOf(outcomes, "events") }]),
};
