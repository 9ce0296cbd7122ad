/** The guide shows this application and its tests as they are here, and what it says of the first version is true. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { simulateCluster } from "@foundation/foundation/testing";
import { startLikes } from "./first-likes.js";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const guide = read("../../../../docs/guides/test-your-application-against-partitions.md");

describe("the guide", () => {
  test.each(["./first-likes.ts", "./likes.test.ts", "../../src/likes.ts", "./faults.test.ts"])(
    "shows %s",
    (path) => {
      const shown = read(path)
        .replace('"@jest/globals"', '"node:test"')
        .replace("../../src/likes.js", "./likes.js");
      expect(guide).toContain(shown);
    },
  );

  test("tells of a first version that loses a like in a partition for ever", async () => {
    await using sim = await simulateCluster({ nodes: 3, app: startLikes });
    const [a, b, c] = sim.nodes;
    await sim.formed();
    sim.partition([a, b], c);
    await sim.eventually(() => a.cluster.nodes().length === 2);
    await a.run(({ app }) => app.like());
    sim.heal();
    await sim.formed();
    const counted = sim.eventually(() => {
      assert.deepEqual([a.app.total(), b.app.total(), c.app.total()], [1, 1, 1]);
    });
    await expect(counted).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    expect([a.app.total(), b.app.total(), c.app.total()]).toEqual([1, 1, 0]);
  });
});
