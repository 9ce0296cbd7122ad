/** The contract of engines, on the one in memory. */
import { virtualClock, type VirtualClock } from "@foundation/core/testing";
import { createMemoryEngine } from "../../src/store/memory-engine.js";
import { engineContract } from "./engine.js";

let clock: VirtualClock;

engineContract("in memory", {
  create: () => {
    clock = virtualClock();
    return createMemoryEngine({ clock });
  },
  pass: (ms) => clock.advance(ms),
  leaseLateMs: 0,
});
