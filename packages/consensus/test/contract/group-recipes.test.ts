/** The recipes on a group of three, in virtual time: one client at a follower, another at the leader. */
import { memoryRuntime } from "@foundation/core/testing";
import { recipesContract } from "./recipes.js";
import { StoreGroup } from "./store-group.js";

let group: StoreGroup;

recipesContract("recipes on a group of three", {
  create: async () => {
    group = await StoreGroup.open();
    return (await group.follower()).engine();
  },
  another: async () => (await group.leader()).engine(),
  runtime: () => memoryRuntime({ clock: group.clock }),
  pass: (ms) => group.clock.advance(ms),
  settle: (promise) => group.clock.run(promise),
  leaseMs: 3_000,
  leaseLateMs: 1_000,
  dispose: () => group.close(),
});
