/** What the commands that play worlds of whole clusters take, and what they refuse. */
import { describe, expect, test } from "@jest/globals";
import { BadOrder } from "../../src/arguments.js";
import { worldsOrderOf, worldsUsage } from "../../src/worlds/order.js";

const defaults = { name: "cache", nodes: "3..5", for: "15s" };
const orderOf = (...args: string[]) => worldsOrderOf(defaults, args, {});

describe("an order of worlds", () => {
  test("has what the command says where nothing is given", () => {
    expect(orderOf()).toMatchObject({
      ...{ seed: undefined, seeds: 200, prefix: "cache", nodesMin: 3, nodesMax: 5, forMs: 15_000 },
      json: false,
    });
    expect(worldsUsage(defaults)).toContain("npm run sim -- cache --seeds 1000");
  });

  test("takes sizes, times and one seed, also of the environment", () => {
    expect(orderOf("--nodes", "4", "--for", "2s", "--seed", "x")).toMatchObject({
      ...{ nodesMin: 4, nodesMax: 4, forMs: 2_000, seed: "x" },
    });
    expect(worldsOrderOf(defaults, [], { SEED: "y" }).seed).toBe("y");
  });

  test.each([
    ["--nodes", "1"],
    ["--nodes", "5..3"],
    ["--nodes", "3..17"],
    ["--seeds", "none"],
    ["--jobs", "0"],
    ["--colour", "red"],
  ])("refuses %s %s", (...args) => {
    expect(() => orderOf(...args)).toThrow(BadOrder);
  });
});
