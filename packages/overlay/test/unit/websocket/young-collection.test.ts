import { describe, expect, test } from "@jest/globals";
import { YOUNG, YoungCollection } from "../../../src/websocket/young-collection.js";

/** A collector that takes `costMs`, on a clock that moves only by `pass` and by collecting. */
function collecting(costMs = 0.3) {
  const world = { nowMs: 1_000, costMs, collections: 0 };
  const garbage = new YoungCollection(
    () => {
      world.collections += 1;
      world.nowMs += world.costMs;
    },
    () => world.nowMs,
  );
  const bulk = (times: number, everyMs: number) => {
    for (let i = 0; i < times; i += 1) {
      garbage.passed(YOUNG.bytes);
      world.nowMs += everyMs;
    }
  };
  return { world, garbage, bulk };
}

describe("YoungCollection", () => {
  test("collects after every so many bytes of bulk", () => {
    const { world, bulk } = collecting();
    bulk(100, 2);
    // The first says only since when bulk has been coming.
    expect(world.collections).toBe(99);
  });

  test("leaves a trickle alone", () => {
    const { world, bulk } = collecting();
    bulk(100, YOUNG.withinMs + 1);
    expect(world.collections).toBe(0);
  });

  test("counts what came in small frames too", () => {
    const { world, garbage } = collecting();
    for (let bytes = 0; bytes < 3 * YOUNG.bytes; bytes += 1_024) garbage.passed(1_024);
    expect(world.collections).toBe(2);
  });

  test("takes a quarter of the time at most where collections are slow", () => {
    const { world, bulk } = collecting(20);
    const began = world.nowMs;
    bulk(2_000, 1);
    const share = (world.collections * 20) / (world.nowMs - began);
    expect(world.collections).toBeGreaterThan(10);
    expect(share).toBeLessThanOrEqual(1 / (1 + YOUNG.restPerCost) + 0.05);
  });

  test("does not rest for one collection that was held up", () => {
    const { world, bulk } = collecting();
    bulk(10, 2);
    world.costMs = 30;
    bulk(1, 2);
    world.costMs = 0.3;
    const before = world.collections;
    bulk(10, 2);
    expect(world.collections - before).toBeGreaterThanOrEqual(9);
  });

  test("has a collector of its own, and leaves no way to it behind", async () => {
    const { runInNewContext } = await import("node:vm");
    const garbage = new YoungCollection();
    for (let i = 0; i < 4; i += 1) garbage.passed(YOUNG.bytes);
    expect(runInNewContext("typeof gc")).toBe(typeof globalThis.gc);
  });
});
