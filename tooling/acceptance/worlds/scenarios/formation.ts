/** The beginning of everything: nodes that find each other. */
import type { Scenario } from "./scenario.js";
import { allHear, allServe, balance, form, startLedgers, trio } from "./scenario.js";

/** Three nodes that only know where to look. */
export const formation: Scenario = {
  name: "three nodes form a cluster, call, publish, and see all of it alike",
  needs: [],
  play: async (world) => {
    const nodes = await form(world, trio);
    await startLedgers(world, nodes);
    await world.eventually(() => allServe(nodes), "10s");
    await allHear(world, nodes);
    await balance(world, nodes);
  },
};
