/** What the consensus suite makes of its raw readings. */
import { describe, expect, test } from "@jest/globals";
import { isOver, longestSilence } from "../src/consensus/gap.js";
import { load, quantile, together } from "../src/consensus/load.js";

describe("the silence after a kill", () => {
  const write = (askedMs: number, atMs: number) => ({ askedMs, atMs });

  test("is the longest one between two answers, whoever was answered", () => {
    const writes = [
      write(80, 95),
      write(95, 101),
      write(102, 400),
      write(101, 380),
      write(400, 405),
    ];
    expect(longestSilence(writes, 100)).toBe(279);
  });

  test("is not one that was over before the kill", () => {
    expect(longestSilence([write(0, 10), write(10, 900), write(900, 950)], 905)).toBe(50);
  });

  test("is over only with a write that was asked for after the kill", () => {
    expect(isOver([write(90, 300)], 100)).toBe(false);
    expect(isOver([write(90, 300), write(101, 301)], 100)).toBe(true);
  });
});

describe("a load", () => {
  test("has so many requests under way at once, and counts those that fail apart", async () => {
    let running = 0;
    let most = 0;
    let asked = 0;
    const found = await load(5, 50, async () => {
      most = Math.max(most, (running += 1));
      asked += 1;
      const fails = asked % 4 === 0;
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (fails) throw new Error("refused");
    });
    expect(most).toBe(5);
    expect(found.done + found.failed).toBe(asked);
    expect(found.failed).toBe(Math.floor(asked / 4));
    expect(found.latenciesMs).toHaveLength(found.done);
  });

  test("of several processes is their sum over the longest time, its quantiles those of all", () => {
    const one = { done: 2, failed: 1, seconds: 2, latenciesMs: [1, 4] };
    const all = together([one, { done: 2, failed: 0, seconds: 3, latenciesMs: [2, 3] }]);
    expect(all).toEqual({ done: 4, failed: 1, seconds: 3, latenciesMs: [1, 2, 3, 4] });
    expect(quantile(all.latenciesMs, 0.5)).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
  });
});
