import { describe, expect, test } from "@jest/globals";
import { BadOrder } from "../../src/arguments.js";
import { judge } from "../../src/consensus/aims.js";
import { consensusOrderOf } from "../../src/consensus/order.js";
import { outcomeWithout, type Outcome } from "../../src/task.js";

function refusal(args: readonly string[]): string {
  try {
    consensusOrderOf(args, {});
  } catch (error) {
    if (error instanceof BadOrder) return error.message;
    throw error;
  }
  throw new Error(`${args.join(" ")} was taken`);
}

function outcome(seed: string, violation?: string): Outcome {
  const task = { type: "consensus", options: { seed, voters: 3 } } as const;
  return { ...outcomeWithout(task, "", 1), violation };
}

describe("the order of a hunt in groups of consensus", () => {
  test("without arguments is 200 seeds with 3, 5 and 7 voters", () => {
    const order = consensusOrderOf([], {});
    expect(order).toMatchObject({ seeds: 200, voters: [3, 5, 7], forMs: 6_000, json: false });
    expect(order.seed).toBeUndefined();
  });

  test("takes seeds, voters and one seed; a given seed counts before the environment's", () => {
    const args = ["--seeds", "7", "--voters", "3", "--prefix", "x", "--jobs", "1", "--json"];
    const expected = { seeds: 7, voters: [3], prefix: "x", jobs: 1, json: true };
    expect(consensusOrderOf(args, {})).toMatchObject(expected);
    expect(consensusOrderOf([], { SEED: "a" }).seed).toBe("a");
    expect(consensusOrderOf(["--seed", "b"], { SEED: "a" }).seed).toBe("b");
  });

  test("is told what is wrong with it", () => {
    expect(refusal(["--voters", "3,3"])).toBe("--voters names a number twice.");
    expect(refusal(["--voters", "3,x"])).toMatch("--voters takes a whole number from 1 to 9");
    expect(refusal(["--for", "soon"])).toMatch("--for takes a duration");
  });
});

describe("the aims of a hunt in groups of consensus", () => {
  const metOf = (worlds: number, outcomes: readonly Outcome[]) => {
    return judge({ worlds, outcomes }).aims.map(({ met }) => met);
  };

  test("are met when every world was played and nothing was violated", () => {
    expect(metOf(2, [outcome("a"), outcome("b")])).toEqual([true, true, true]);
  });

  test("are not met with a violation, nor with a world that was not played", () => {
    expect(metOf(2, [outcome("a"), outcome("b", "two leaders")])).toEqual([true, false, true]);
    expect(metOf(2, [outcome("a")])).toEqual([false, true, true]);
  });

  test("ask of many worlds that something happened in them", () => {
    const many = Array.from({ length: 100 }, (_, i) => outcome(`${i}`));
    expect(metOf(100, many)).toEqual([true, true, true, false]);
  });
});
