/** The whole stack in virtual time, under faults that seeds decide. `npm run sim` plays more of them. */
import { describe, expect, test } from "@jest/globals";
import { freshSeeds } from "./fresh-seeds.js";
import { keptSeeds } from "./kept-seeds.js";
import { playSeed } from "./play-seed.js";

const FIXED_SEEDS = 4;
const FRESH_SEEDS = 8;
const DETERMINISM_SEEDS = 10;
const small = { nodesMin: 3, nodesMax: 5 };

describe("the whole stack under faults", () => {
  test.each(keptSeeds())(
    "seed $seed, which once found: $found",
    async (options) => {
      expect((await playSeed(options)).violation).toBeUndefined();
    },
    60_000,
  );

  test.each(Array.from({ length: FIXED_SEEDS }, (_, index) => `default-${index}`))(
    "keeps its promises and comes to rest, seed %s",
    async (seed) => {
      const played = await playSeed({ seed, ...small, forMs: 20_000 });
      expect(played.violation).toBeUndefined();
      expect(played.calls).toBeGreaterThan(0);
      expect(played.messages).toBeGreaterThan(0);
    },
    60_000,
  );

  test.each(freshSeeds(FRESH_SEEDS))(
    "keeps its promises and comes to rest, fresh seed %s",
    async (seed) => {
      expect((await playSeed({ seed, ...small, forMs: 15_000 })).violation).toBeUndefined();
    },
    60_000,
  );

  test(`${DETERMINISM_SEEDS} seeds played twice give equal traces`, async () => {
    const hashes = new Set<string>();
    for (let index = 0; index < DETERMINISM_SEEDS; index++) {
      const options = { seed: `equal-${index}`, ...small, forMs: 3_000 };
      const [first, second] = [await playSeed(options), await playSeed(options)];
      expect({ seed: options.seed, hash: second.hash }).toEqual({
        seed: options.seed,
        hash: first.hash,
      });
      hashes.add(first.hash);
    }
    expect(hashes.size).toBe(DETERMINISM_SEEDS);
  }, 60_000);
});
