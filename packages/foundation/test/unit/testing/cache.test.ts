import { describe, expect, test } from "@jest/globals";
import { simulateCluster } from "../../../src/testing/index.js";

describe("a cache of a cluster", () => {
  test("computes once for all nodes, and a node that dies takes no entry along", async () => {
    const sim = await simulateCluster({ nodes: 4, seed: 8 });
    try {
      await sim.formed();
      let computations = 0;
      const answers = sim.nodes.map((node) =>
        node.run(({ cluster }) =>
          cluster
            .cache<number>("numbers", { topology: "partitioned", replicas: 2, near: true })
            .getOrCompute("answer", async () => {
              computations += 1;
              return 42;
            }),
        ),
      );
      expect(await Promise.all(answers)).toEqual([42, 42, 42, 42]);
      expect(computations).toBe(1);
      const [a, , , d] = sim.nodes;
      const keys = Array.from({ length: 60 }, (_, i) => `key-${i}`);
      const open = { topology: "partitioned", replicas: 2, near: true } as const;
      await a!.run(({ cluster }) =>
        cluster.cache<number>("numbers", open).setMany(keys.map((key, i) => [key, i] as const)),
      );
      sim.crash(d!);
      const found = await a!.run(({ cluster }) =>
        cluster.cache<number>("numbers", open).getMany(keys, { timeout: "30s" }),
      );
      expect(found.size).toBe(60);
    } finally {
      await sim.close();
    }
  });
});
