import { describe, expect, test } from "@jest/globals";
import { BadOrder } from "../../src/arguments.js";
import { orderOf, usage } from "../../src/order.js";

function refusal(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  try {
    orderOf(args, env);
  } catch (error) {
    if (error instanceof BadOrder) return error.message;
    throw error;
  }
  throw new Error(`${args.join(" ")} was taken`);
}

describe("the order", () => {
  test("without arguments is 200 fresh seeds of 3 to 10 nodes for a minute", () => {
    expect(orderOf([], {})).toMatchObject({
      seed: undefined,
      count: 200,
      nodesMin: 3,
      nodesMax: 10,
      forMs: 60_000,
      isRangeGiven: false,
      checks: [],
      shrink: undefined,
    });
  });

  test("takes numbers, ranges and durations", () => {
    const args = ["--seeds", "7", "--nodes", "5..50", "--for", "1.5s", "--jobs", "3"];
    const expected = { count: 7, nodesMin: 5, nodesMax: 50, forMs: 1_500, jobs: 3 };
    expect(orderOf(args, {})).toMatchObject({ ...expected, isRangeGiven: true });
    expect(orderOf(["--nodes", "4", "--for", "2m"], {})).toMatchObject({
      nodesMin: 4,
      nodesMax: 4,
      forMs: 120_000,
    });
  });

  test("takes one seed from the environment, an empty one for none", () => {
    expect(orderOf([], { SEED: "a-1" }).seed).toBe("a-1");
    expect(orderOf([], { SEED: "" }).seed).toBeUndefined();
  });

  test("has no number of seeds when it ends by time or by a failure, unless one is given", () => {
    expect(orderOf(["--minutes", "0.5"], {})).toMatchObject({ count: undefined, wallMs: 30_000 });
    expect(orderOf(["--until-failure"], {})).toMatchObject({ count: undefined });
    expect(orderOf(["--until-failure", "--seeds", "9"], {})).toMatchObject({ count: 9 });
  });

  test("checks everything, or the parts that are named, in their own order", () => {
    expect(orderOf(["--self-check"], {}).checks).toEqual(["determinism", "speed"]);
    expect(orderOf(["--self-check"], {}).count).toBe(100);
    expect(orderOf(["--self-check=speed"], {}).checks).toEqual(["speed"]);
    expect(orderOf(["--self-check=speed,determinism"], {}).checks).toHaveLength(2);
  });

  test("shrinks when told so, and not when told not to", () => {
    expect(orderOf(["--shrink"], {}).shrink).toBe(true);
    expect(orderOf(["--no-shrink"], {}).shrink).toBe(false);
  });

  test("gives large worlds more real time before a worker counts as stuck", () => {
    const small = orderOf(["--nodes", "3"], {}).stuckAfterMs;
    expect(orderOf(["--nodes", "100"], {}).stuckAfterMs).toBeGreaterThan(small);
    expect(orderOf(["--stuck-after", "500ms"], {}).stuckAfterMs).toBe(500);
  });

  test.each([
    [["--seeds", "0"], /--seeds takes a whole number from 1; it was "0"/],
    [["--seeds", "1e3"], /--seeds .*"1e3"/],
    [["--nodes", "9..3"], /--nodes .*"9\.\.3"/],
    [["--nodes", "1"], /--nodes takes a number from 2/],
    [["--for", "60"], /--for takes a duration such as .*"60"/],
    [["--for", "0s"], /--for /],
    [["--minutes", "soon"], /--minutes takes a number above 0; it was "soon"/],
    [["--jobs", "9999"], /--jobs is at most/],
    [["--self-check=beauty"], /--self-check has no part "beauty"; it has determinism, speed/],
    [["--bogus"], /Unknown option '--bogus'/],
    [["seven"], /Unexpected argument 'seven'/],
    [["--shrink", "--no-shrink"], /exclude each other/],
    [["--self-check", "--minutes", "1"], /exclude each other/],
  ] as const)("%j is refused with a sentence that says why", (args, sentence) => {
    expect(refusal(args)).toMatch(sentence);
    expect(refusal(args)).toMatch(/\.$/);
  });

  test("refuses one seed together with many", () => {
    const env = { SEED: "a-1" };
    expect(refusal(["--seeds", "3"], env)).toBe("SEED and --seeds exclude each other.");
    expect(refusal(["--minutes", "3"], env)).toMatch(/^SEED and --minutes/);
    expect(refusal(["--self-check"], env)).toMatch(/^SEED and --self-check/);
  });

  test("has every option of the usage, and the usage every option", () => {
    for (const [, name = ""] of usage.matchAll(/--([a-z-]+)/g)) {
      const value = { nodes: "3", for: "1s", "stuck-after": "1s" }[name] ?? "1";
      const isAlone = /^(until-failure|(no-)?shrink|verbose|trace|json|self-check)$/.test(name);
      expect(() => orderOf(isAlone ? [`--${name}`] : [`--${name}`, value], {})).not.toThrow();
    }
  });
});
