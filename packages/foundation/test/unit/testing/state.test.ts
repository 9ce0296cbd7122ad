import { describe, expect, test } from "@jest/globals";
import { simulateCluster } from "../../../src/testing/index.js";

describe("the replicated state of a cluster", () => {
  test("is the same on all nodes after a partition, of every type, and ends with the handle", async () => {
    const sim = await simulateCluster({ nodes: 3, seed: 8 });
    try {
      const [a, b, c] = sim.nodes;
      await sim.formed();
      const carts = await a.run(({ cluster }) => cluster.state.map<string[]>("carts"));
      const online = await b.run(({ cluster }) => cluster.state.set<string>("online"));
      const visits = await c.run(({ cluster }) => cluster.state.counter("visits"));
      const shown = await c.run(({ cluster }) => cluster.state.map<string[]>("carts"));
      sim.partition([a, b], c);
      await sim.eventually(() => c.cluster.nodes().length === 1);
      a.within(() => carts.set("ann", ["tea"]));
      b.within(() => online.add("ann"));
      c.within(() => visits.increment(2));
      c.within(() => shown.set("bob", ["milk"]));
      sim.heal();
      await sim.eventually(() => carts.size === 2 && shown.size === 2);
      expect(shown.get("ann")).toEqual(["tea"]);
      const [seen, count] = await a.run(async ({ cluster: { state } }) => [
        await state.set<string>("online"),
        await state.counter("visits"),
      ]);
      await sim.eventually(() => seen.has("ann") && count.value === 2);
      await a.run(({ cluster }) => cluster.leave());
      expect(() => a.within(() => carts.set("ann", []))).toThrow(
        expect.objectContaining({ code: "ERR_CLOSED" }),
      );
    } finally {
      await sim.close();
    }
  });
});
