/** The recipes on the store in memory, in virtual time. */
import { memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createMemoryEngine } from "../../src/index.js";
import { recipesContract } from "./recipes.js";

let clock = virtualClock();

recipesContract("recipes on a memory engine", {
  create: () => {
    clock = virtualClock();
    return createMemoryEngine({ clock });
  },
  runtime: () => memoryRuntime({ clock }),
  pass: (ms) => clock.advance(ms),
  settle: (promise) => clock.run(promise),
  leaseMs: 3_000,
  leaseLateMs: 10,
});
