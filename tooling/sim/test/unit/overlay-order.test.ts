import { describe, expect, test } from "@jest/globals";
import { BadOrder } from "../../src/arguments.js";
import { overlayOrderOf } from "../../src/overlay/order.js";
import { coreTasksOf, nameOf } from "../../src/overlay/task.js";
import { wholeTasksOf } from "../../src/overlay/whole-tasks.js";

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
  test("without arguments is all parts with 1,000 whole nodes and seed 1", () => {
    expect(overlayOrderOf([], {})).toEqual({
      nodes: 1_000,
      depth: "whole",
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
      depth: "cores",
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

  test("plays whole overlays up to a thousand nodes and cores above, unless it is told which", () => {
    const depthOf = (...args: readonly string[]) => overlayOrderOf(args, {}).depth;
    expect([depthOf("--nodes", "1000"), depthOf("--nodes", "1001")]).toEqual(["whole", "cores"]);
    expect(depthOf("--nodes", "1001", "--whole")).toBe("whole");
    expect(depthOf("--nodes", "1000", "--cores")).toBe("cores");
    expect(refusal(["--whole", "--cores"])).toBe("--whole and --cores exclude each other.");
  });

  test("has an experiment for each part, and a small overlay to compare with", () => {
    const names = coreTasksOf(overlayOrderOf(["--nodes", "500", "--cores"], {})).map(nameOf);
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
    expect(coreTasksOf(overlayOrderOf(["--only", "churn"], {}))).toHaveLength(1);
  });

  test("plays whole overlays in two worlds, and a small one to compare with", () => {
    const [first, second, ...others] = wholeTasksOf(overlayOrderOf(["--nodes", "500"], {}));
    expect(first?.order).toMatchObject({ nodes: 500, churn: {}, look: {}, crashes: [0.3, 0.8] });
    expect(second?.order).toMatchObject({ nodes: 500, crashes: [0.5, 0.9] });
    expect(second?.order).not.toHaveProperty("look");
    expect(others.map(nameOf)).toEqual(["whole-small, 100 nodes"]);
    const ofChurn = wholeTasksOf(overlayOrderOf(["--only", "churn"], {}));
    expect(ofChurn.map(({ order }) => order)).toMatchObject([{ churn: {}, crashes: [] }]);
  });
});
