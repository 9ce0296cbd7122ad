/** Deletions that are no longer remembered one by one: what a partition's other side missed must go there, too. */
import { describe, expect, test } from "@jest/globals";
import { cacheWorld } from "./world.js";

const KEYS = 200;
const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`);

describe("after a partition", () => {
  test.each([[[0]], [[1]]])(
    "no side keeps a copy of what the other one deleted and forgot that it did (deleted by %j)",
    async ([side]) => {
      const world = cacheWorld(2);
      try {
        const limits = { tombstonesMax: 4 };
        const caches = world.open<number>("users", { topology: "replicated", limits });
        await world.run(caches[0]!.setMany(keys.map((key, i) => [key, i])));
        await world.clock.advance(1_000);
        world.cluster.partition([0]);
        await world.clock.advance(2_000);
        const [deleting, other] = [caches[side!]!, caches[1 - side!]!];
        await world.run(Promise.all(keys.map((key) => deleting.delete(key))));
        await world.clock.advance(1_000);
        await world.run(other.set("written", 1));
        world.cluster.heal();
        await world.clock.advance(60_000);
        for (const cache of caches) {
          expect([...(await world.run(cache.getMany([...keys, "written"]))).keys()]).toEqual([
            "written",
          ]);
        }
      } finally {
        await world.close();
      }
    },
  );
});
