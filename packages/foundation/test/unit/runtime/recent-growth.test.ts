import { describe, expect, test } from "@jest/globals";
import { RecentGrowth } from "../../../src/runtime/recent-growth.js";

describe("recent growth", () => {
  test("is nothing before the first sample", () => {
    expect(new RecentGrowth(1_000).upTo(500, 7)).toEqual({ count: 0, overMs: 0 });
  });

  test("counts from the first sample until the window is full, then from the window's start", () => {
    const growth = new RecentGrowth(1_000);
    for (let atMs = 0; atMs <= 700; atMs += 100) growth.sample(atMs, atMs);
    expect(growth.upTo(750, 750)).toEqual({ count: 750, overMs: 750 });
    for (let atMs = 800; atMs <= 5_000; atMs += 100) growth.sample(atMs, atMs);
    expect(growth.upTo(5_000, 5_000)).toEqual({ count: 1_000, overMs: 1_000 });
  });

  test("forgets what is older than the window, and only that", () => {
    const growth = new RecentGrowth(1_000);
    growth.sample(0, 0);
    growth.sample(500, 9);
    growth.sample(1_400, 9);
    expect(growth.upTo(1_499, 9).count).toBe(9);
    expect(growth.upTo(1_500, 9).count).toBe(0);
  });
});
