import { describe, test } from "@jest/globals";
import { createNodeId } from "@foundation/core";
import { memoryPubSub, seededRandom, virtualClock } from "@foundation/core/testing";
import { pubsubContract, virtualTime } from "../../src/index.js";

pubsubContract(
  { describe, test },
  {
    create: ({ nodes }) => {
      const clock = virtualClock();
      const hub = memoryPubSub({ clock });
      const ids = Array.from({ length: nodes }, (_, i) => createNodeId(seededRandom(i)));
      return {
        nodes: ids.map((id) => ({ id, adapter: hub.adapter(id) })),
        time: virtualTime(clock),
        close: () => {},
      };
    },
  },
);
