import { describe, expect, test } from "@jest/globals";
import { BadOrder } from "../../src/order.js";
import { overlayOrderOf } from "../../src/overlay/order.js";
import { nameOf, tasksOf } from "../../src/overlay/task.js";

function refusal(args: readonly string[]): string {
  try {
    overlayOrderOf(args, {});
  } catch (error) {
    if (error instanceof BadOrder) return error.message;
    throw error;
  }
  throw new Error(`${args.join(" ")} was taken`);
}

describe("the order of an overlay", () => {
  test("without arguments is all parts with 1,000 nodes and seed 1", () => {
    expect(overlayOrderOf([], {})).toEqual({
      nodes: 1_000,
      seed: "1",
      quick: false,
      json: false,
      parts: ["join", "steady", "crash", "churn"],
    });
  });

  test("takes a size, a seed and parts; a given seed counts before the environment's", () => {
    const args = ["--nodes", "10000", "--only", "churn,join", "--json", "--quick", "--cores"];
    expect(overlayOrderOf(args, { SEED: "7" })).toEqual({
      nodes: 10_000,
      seed: "7",
      quick: true,
      json: true,
      parts: ["join", "churn"],
    });
    expect(overlayOrderOf(["--seed", "8"], { SEED: "7" }).seed).toBe("8");
  });

  test("refuses sizes and parts that are none, and words it does not know", () => {
    expect(refusal(["--nodes", "5"])).toContain('from 20 to 20000; it was "5"');
    expect(refusal(["--nodes", "1e3"])).toContain('it was "1e3"');
    expect(refusal(["--only", "steady,rest"])).toContain('no part "rest"');
    expect(refusal(["--sedes", "3"])).toContain("--sedes");
  });

  test("has an experiment for each part, and a small overlay to compare with", () => {
    const names = tasksOf(overlayOrderOf(["--nodes", "500"], {})).map(nameOf);
    expect(names).toEqual([
      "churn, 500 nodes",
      "steady, 500 nodes",
      "small, 100 nodes",
      "crash of 30 %, 500 nodes",
      "crash of 50 %, 500 nodes",
      "crash of 80 %, 500 nodes",
      "crash of 90 %, 500 nodes",
      "storm, 500 nodes",
    ]);
    expect(tasksOf(overlayOrderOf(["--only", "churn"], {}))).toHaveLength(1);
  });
});
