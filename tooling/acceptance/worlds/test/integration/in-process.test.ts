/** Every scenario over real loopback WebSockets, through the faulty proxy. */
import { test } from "@jest/globals";
import { inProcessCapabilities, inProcessWorld } from "../../in-process-world.js";
import { playAll } from "../../play-all.js";

playAll({
  world: "in-process",
  can: inProcessCapabilities,
  create: ({ name }) => inProcessWorld({ seed: name }),
  leftOut: ["pause"],
  test: test.concurrent,
  atOnce: 6,
});
