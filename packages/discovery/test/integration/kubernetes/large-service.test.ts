import { describe, expect, test } from "@jest/globals";
import { measureResyncs, measureUpdates } from "../../kubernetes/measure.js";

describe("a service of ten thousand endpoints", () => {
  test("costs less than 200 ms of CPU for each change, from its bytes to the set", async () => {
    const { slices, updateMs } = await measureUpdates(10_000, 10);
    expect(slices).toBe(100);
    expect(updateMs.median).toBeLessThan(200);
  }, 60_000);

  test("takes no more memory however often everything is listed again", async () => {
    // All of what a list holds is much more than this: a resync that kept its list would show.
    const { grownBytes } = await measureResyncs(500, 100);
    expect(grownBytes).toBeLessThan(2_000_000);
  }, 60_000);
});
