/** The clock of a simulated node keeps a clock's promises, also when it drifts. */
import { describe, test } from "@jest/globals";
import {
  clockContract,
  createSimulator,
  virtualTime,
  type SimulatedHost,
} from "../../src/index.js";

describe.each([1, 0.5, 2])("the clock of a simulated node, %d times as fast", (rate) => {
  clockContract(
    { describe, test },
    {
      create: async () => {
        const sim = createSimulator<SimulatedHost>({ seed: "contract" });
        const node = sim.addNode("a", (host) => host);
        await sim.run("1s");
        sim.driftClock("a", rate);
        const { clock } = (node.app as SimulatedHost).runtime;
        const { wait } = virtualTime(sim.clock);
        // What passes is counted by the clock under test.
        const pass = (ms: number) => sim.clock.advance(ms / rate);
        return { time: { clock, wait, pass }, close: () => sim.close() };
      },
    },
  );
});
