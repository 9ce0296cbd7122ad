/** Every scenario in virtual time. */
import { playAll } from "../../play-all.js";
import { simulatedCapabilities, simulatedWorld } from "../../simulated-world.js";

playAll({
  world: "simulated",
  can: simulatedCapabilities,
  create: ({ name }) => simulatedWorld({ seed: name }),
  leftOut: ["black-hole", "mangle"],
});
