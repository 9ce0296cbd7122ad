/** Pure cores under faults that seeds decide: membership alone, and membership with everything that stands on it. */
import { describe, expect, test } from "@jest/globals";
import { playCores, playLanes, playMembership, type MembershipJoined } from "./index.js";

/** In one test, so that a batch of seeds is one line of the report. */
async function violations(seeds: number, play: (seed: string) => Promise<string | undefined>) {
  const found: string[] = [];
  for (let seed = 0; seed < seeds; seed += 1) {
    const violation = await play(String(seed));
    if (violation !== undefined) found.push(violation);
  }
  return found;
}

describe("membership", () => {
  test.each([
    [2, 40],
    [3, 40],
    [5, 60],
    [9, 15],
  ])(
    "of %d nodes agrees, rests and learns of deaths after %d seeds of faults",
    async (nodes, seeds) => {
      const play = async (seed: string) => {
        return (await playMembership({ seed, nodes, forMs: 30_000 })).violation;
      };
      expect(await violations(seeds, play)).toEqual([]);
    },
  );

  test("suspects nobody while many join through three seeds, and knows one death and return", async () => {
    const forMs = 40_000;
    let joined: MembershipJoined | undefined;
    const onJoined = (how: MembershipJoined) => (joined = how);
    const options = { seed: "join", nodes: 70, forMs, faults: false, onJoined };
    const played = await playMembership(options);
    expect(played.violation).toBeUndefined();
    expect(played.falseSuspicions).toBe(0);
    expect(joined?.virtualMs).toBeGreaterThan(0);
    expect(played.virtualMs).toBe((joined?.virtualMs ?? 0) + forMs);
  });
});

describe("names, items and children on membership", () => {
  test.each([
    [3, 25],
    [5, 25],
    [8, 5],
  ])("of %d nodes are the same everywhere after %d seeds of faults", async (nodes, seeds) => {
    const play = async (seed: string) => {
      return (await playCores({ seed, nodes, forMs: 20_000 })).violation;
    };
    expect(await violations(seeds, play)).toEqual([]);
  });
});

describe("reliable lanes", () => {
  test.each([
    [2, 150],
    [3, 60],
    [5, 20],
  ])(
    "of %d nodes deliver each message once, in order and without a gap, after %d seeds of faults",
    async (nodes, seeds) => {
      const play = async (seed: string) => {
        return (await playLanes({ seed, nodes, forMs: 20_000 })).violation;
      };
      expect(await violations(seeds, play)).toEqual([]);
    },
  );
});

describe("a seed", () => {
  test("played twice gives one hash, and another seed another", async () => {
    const hashes = new Set<string>();
    for (let seed = 0; seed < 10; seed += 1) {
      for (const play of [playMembership, playCores, playLanes]) {
        const options = { seed: `equal-${seed}`, nodes: 4, forMs: 5_000 };
        const { hash } = await play(options);
        expect((await play(options)).hash).toBe(hash);
        hashes.add(hash);
      }
    }
    expect(hashes.size).toBe(30);
  });
});
