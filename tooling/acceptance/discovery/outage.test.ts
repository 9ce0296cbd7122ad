import { describe, expect, test } from "@jest/globals";
import { playOutage } from "./outage.js";

describe("a cluster whose first backend dies for ten minutes", () => {
  test("loses nobody, steps to the second once and back once, and never asked it before", async () => {
    expect(await playOutage({ nodes: 10, seed: "ten minutes" })).toEqual({
      disconnects: 0,
      stepsDown: 10,
      stepsBack: 10,
      early: 0,
      isWhole: true,
    });
  });

  test("does not leave the first for an outage that is shorter than its patience", async () => {
    const found = await playOutage({ nodes: 4, seed: "a tenth of a minute", minutes: 0.1 });
    expect(found).toMatchObject({ disconnects: 0, stepsDown: 0, stepsBack: 0, isWhole: true });
  });
});
