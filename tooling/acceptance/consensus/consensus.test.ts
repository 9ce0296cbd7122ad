/** Groups of consensus cores under faults: what `npm run sim -- consensus` plays thousands of, a few for every day. */
import { describe, expect, test } from "@jest/globals";
import { playConsensus } from "./index.js";

const SEEDS = 12;

describe.each([3, 5, 7])("a group of %d voters under faults", (voters) => {
  test("keeps every promise, and works again when everything heals", async () => {
    let committed = 0;
    let reads = 0;
    for (let i = 0; i < SEEDS; i += 1) {
      const { seed, violation, undecided, counts } = await playConsensus({
        seed: `ci-${i}`,
        voters,
      });
      expect({ seed, violation, undecided }).toEqual({ seed, violation: undefined, undecided: 0 });
      committed += counts["committed"] ?? 0;
      reads += counts["reads"] ?? 0;
    }
    // A world in which nothing happens would pass every check.
    expect(committed).toBeGreaterThan(SEEDS * 50);
    expect(reads).toBeGreaterThan(SEEDS * 50);
  });
});

/** Each found a violation once; what it was is said beside it. */
const kept = [
  // A voter campaigned by hand while its leader counted on its silence: a read by lease was stale.
  { seed: "long-235", voters: 3 },
  // A check of its own: a disk that moved for a moment between two looks counted as one that stood still.
  { seed: "s6-4bdea1eb-1870", voters: 3 },
] as const;

test.each(kept)("$seed with $voters voters violates nothing any more", async (options) => {
  expect(await playConsensus(options)).toMatchObject({ violation: undefined, undecided: 0 });
});

test("a seed played twice gives the same run, and another one another", async () => {
  const play = (seed: string) => playConsensus({ seed, voters: 3, isTold: true });
  const once = await play("equal");
  expect(once.story.length).toBeGreaterThan(10);
  expect(await play("equal")).toEqual(once);
  expect((await play("other")).counts).not.toEqual(once.counts);
});
