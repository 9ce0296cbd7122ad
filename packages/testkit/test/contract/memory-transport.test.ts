import { describe, test } from "@jest/globals";
import { memoryNetwork, virtualClock } from "@foundation/core/testing";
import { transportContract, virtualTime } from "../../src/index.js";

transportContract(
  { describe, test },
  {
    create: () => {
      const clock = virtualClock();
      const network = memoryNetwork({ clock, latencyMs: 2, jitterMs: 1 });
      return {
        transport: network.transport("a"),
        host: "a",
        time: virtualTime(clock),
        close: () => {},
      };
    },
  },
);
