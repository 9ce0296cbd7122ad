/** The contract of recipes: the cluster's settings. */
import { expect } from "@jest/globals";
import { take, type Test } from "./bench.js";

export function configTests(run: Test): void {
  run("a setting is there for all, at once where it was set", async ({ a, b, settle, pass }) => {
    await settle(Promise.all([a.config.ready(), b.config.ready()]));
    await settle(a.config.setClusterWide(["feature", "x"], true));
    expect(a.config.get(["feature", "x"])).toBe(true);
    expect(await settle(b.config.getWithConsensus(["feature", "x"]))).toBe(true);
    await pass(300);
    expect(b.config.get(["feature", "x"])).toBe(true);
    await settle(b.config.setClusterWide(["feature", "x"], undefined));
    expect(b.config.get(["feature", "x"])).toBeUndefined();
    expect(await settle(a.config.getWithConsensus(["feature", "x"]))).toBeUndefined();
  });

  run(
    "the policy says what happens to what another has set",
    async ({ a, b, settle, pass, code }) => {
      const path = ["limit"];
      await settle(Promise.all([a.config.ready(), b.config.ready()]));
      await settle(a.config.setClusterWide(path, 1));
      await pass(300);
      await settle(a.config.setClusterWide(path, 2, { conflict: "compare" }));
      expect(await code(b.config.setClusterWide(path, 3, { conflict: "refuse" }))).toBe(
        "ERR_CONFIG_CONFLICT",
      );
      await settle(b.config.setClusterWide(path, 2, { conflict: "refuse" }));
      const sum = (x: unknown, y: unknown) => Number(x) + Number(y);
      await settle(b.config.setClusterWide(path, 5, { conflict: sum }));
      expect(await settle(a.config.getWithConsensus(path))).toBe(7);
      await settle(a.config.setClusterWide(path, 1));
      expect(await settle(b.config.getWithConsensus(path))).toBe(1);
    },
  );

  run("settings that are set at once by function are all counted", async ({ a, b, settle }) => {
    const add = (x: unknown, y: unknown) => Number(x ?? 0) + Number(y);
    await settle(
      Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 ? a : b).config.setClusterWide(["sum"], 1, { conflict: add }),
        ),
      ),
    );
    expect(await settle(a.config.getWithConsensus(["sum"]))).toBe(12);
  });

  run(
    "entries and watches of a path have what is below it and nothing beside it",
    async ({ a, settle }) => {
      await settle(a.config.ready());
      const watch = a.config.watch(["a"]);
      await settle(watch.ready());
      const paths = [["a"], ["a", "b/c"], ["a b"], ["ab"]];
      for (const path of paths) await settle(a.config.setClusterWide(path, path.length));
      expect(a.config.entries(["a"]).map(({ path }) => path)).toEqual([["a"], ["a", "b/c"]]);
      expect(a.config.entries()).toHaveLength(4);
      const events = await settle(take(watch, 2));
      const keys = events.map((event) => event.type !== "snapshot" && a.config.pathOf(event.key));
      expect(keys).toEqual([["a"], ["a", "b/c"]]);
      await settle(watch.close());
    },
  );
}
