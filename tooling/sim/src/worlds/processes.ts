/**
 * `npm run sim -- processes --seeds 1000`: one instance of each process after every heal, no call reported done that did not
 * run, nothing twice, nothing lost, and every name reachable where the majority is.
 */
import { failoverWindowMs, keptSeeds } from "../../../acceptance/processes/index.js";
import { atLeast } from "../report.js";
import { counted, figuresOf, happened } from "./figures.js";
import { withKept, type Worlds } from "./run-worlds.js";

/** Of each name, the share of its time in a partition, after the fail-over window, in which the majority reaches it. */
const REACHABLE_PERCENT = 99.9;

export const processes: Worlds = {
  ...{ name: "processes", nodes: "3..6", for: "30s" },
  taskOf: (options) => ({ type: "processes", options: withKept(keptSeeds, options) }),
  aimsOf: (outcomes) => {
    const asked = counted(outcomes, "asked");
    const share = asked === 0 ? undefined : (100 * counted(outcomes, "answered")) / asked;
    return [atLeast("% reachable from the majority", REACHABLE_PERCENT, share)];
  },
  figuresOf: (outcomes) =>
    figuresOf(outcomes, [
      ...happened(outcomes),
      { name: "fail-over window, ms", value: failoverWindowMs },
    ]),
};
