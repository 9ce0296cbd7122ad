import { describe, expect, jest, test } from "@jest/globals";
import { keptSeeds } from "./kept-seeds.js";
import { playCaches } from "./play-caches.js";

// Virtual time; a machine that does other things too must not fail it.
jest.setTimeout(120_000);

describe("caches of a cluster under all faults", () => {
  test("keep what each kind promises, in the storm, after it, and while nodes move", async () => {
    const played = await playCaches({ seed: "cache-1", nodesMin: 3, nodesMax: 3, forMs: 10_000 });
    expect(played.violation).toBe(undefined);
    expect(played.calls).toBeGreaterThan(500);
    expect(played.counts["computed once"]).toBeGreaterThan(5);
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

describe("a seed of caches", () => {
  test("plays the same each time", async () => {
    const options = { seed: "cache-2", nodesMin: 3, nodesMax: 3, forMs: 2_000 };
    const first = await playCaches(options);
    expect(await playCaches(options)).toEqual(first);
    expect(first.hash).toMatch(/^[0-9a-f]{16}$/);
  });
});
