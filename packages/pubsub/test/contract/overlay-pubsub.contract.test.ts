import { describe, test } from "@jest/globals";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { pubsubContract, virtualTime } from "@foundation/testkit";
import { overlayPubSub } from "../../src/index.js";

describe("overlayPubSub over a cluster in memory", () => {
  pubsubContract(
    { describe, test },
    {
      create: ({ nodes }) => {
        const clock = virtualClock();
        const cluster = memoryCluster({ clock, nodes });
        const create = overlayPubSub();
        const made = cluster.nodes.map((node) => {
          const { messenger, membership, broadcast } = node;
          const runtime = memoryRuntime({ clock, seed: node.name });
          return { id: node.id, adapter: create({ messenger, membership, broadcast, runtime }) };
        });
        const close = async () => {
          for (const { adapter } of made) await adapter.close();
        };
        return { nodes: made, time: virtualTime(clock), close };
      },
    },
  );
});
