/** The recipes on nodes that are no members of the group they use. */
import { memoryRuntime } from "@foundation/core/testing";
import { ServedGroup } from "./outside.js";
import { recipesContract } from "./recipes.js";

let served: ServedGroup;

recipesContract("recipes on a node outside of the group", {
  create: async () => {
    served = await ServedGroup.open();
    return served.engine();
  },
  another: () => served.engine(),
  runtime: () => memoryRuntime({ clock: served.group.clock }),
  pass: (ms) => served.group.clock.advance(ms),
  settle: (promise) => served.group.clock.run(promise),
  leaseMs: 3_000,
  leaseLateMs: 1_000,
  dispose: () => served.group.close(),
});
