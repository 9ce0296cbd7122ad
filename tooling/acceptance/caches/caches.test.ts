import { describe, expect, jest, test } from "@jest/globals";
import { keptSeeds } from "./kept-seeds.js";
import { playCaches } from "./play-caches.js";

// Virtual time; a machine that does other things too must not fail it.
jest.setTimeout(120_000);

describe("caches of a cluster under all faults", () => {
  test("keep what each kind promises, in the storm, after it, and while nodes move, the same each time", async () => {
    const options = { seed: "cache-1", nodesMin: 3, nodesMax: 3, forMs: 8_000 };
    const played = await playCaches(options);
    expect(played.violation).toBe(undefined);
    expect(played.calls).toBeGreaterThan(500);
    expect(played.counts["computed once"]).toBeGreaterThan(5);
    expect(await playCaches(options)).toEqual(played);
  });
});

describe("a seed that failed once", () => {
  test.each(keptSeeds.map((kept) => [kept.seed, kept] as const))(
    "of caches passes (%s)",
    async (_, kept) => {
      expect((await playCaches(kept)).violation).toBe(undefined);
    },
  );
});
