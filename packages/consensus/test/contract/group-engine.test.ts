/** The contract of engines, on a group of three: one client at a follower, another at the leader. */
import { engineContract } from "./engine.js";
import { StoreGroup } from "./store-group.js";

let group: StoreGroup;

engineContract("over a group of three", {
  create: async () => {
    group = await StoreGroup.open();
    return (await group.follower()).engine();
  },
  another: async () => (await group.leader()).engine(),
  pass: (ms) => group.clock.advance(ms),
  settle: (promise) => group.clock.run(promise),
  dispose: () => group.close(),
});
