/** The contract of engines, on a node that is no member of the group it uses. */
import { engineContract } from "./engine.js";
import { ServedGroup } from "./outside.js";

let served: ServedGroup;

engineContract("on a node outside of the group", {
  create: async () => {
    served = await ServedGroup.open();
    return served.engine();
  },
  another: () => served.engine(),
  pass: (ms) => served.group.clock.advance(ms),
  settle: (promise) => served.group.clock.run(promise),
  dispose: () => served.group.close(),
});
