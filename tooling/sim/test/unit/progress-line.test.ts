import { describe, expect, test } from "@jest/globals";
import { ProgressLine, progressText, type Progress } from "../../src/progress-line.js";

const state = (change: Partial<Progress>): Progress => ({
  done: 120,
  failed: 1,
  virtualMs: 9_034_000,
  wallMs: 60_000,
  total: 200,
  totalWallMs: undefined,
  ...change,
});

/** What is written while one seed after the other is done. */
function written(line: ProgressLine, seeds: number, change: Partial<Progress>): string[] {
  const states = Array.from({ length: seeds }, (_, index) => ({ done: index + 1, ...change }));
  return states.map((each) => line.next(state(each))).filter((text) => text !== "");
}

describe("the line of progress", () => {
  test("says seeds, failures, virtual time, its speed, and how long it will take", () => {
    const text = "120/200 seeds, 1 failed, 9,034 virtual seconds, 151 a second, 0:40 left";
    expect(progressText(state({}))).toBe(text);
  });

  test("estimates from the time that was given, and not at all when no end is known", () => {
    const byTime = { total: undefined, totalWallMs: 180_000 };
    expect(progressText(state(byTime))).toMatch(/^120 seeds, .* 2:00 left$/);
    expect(progressText(state({ total: undefined }))).toMatch(/a second$/);
  });

  test("is written over itself on a terminal", () => {
    const line = new ProgressLine(true);
    expect(line.clear()).toBe("");
    expect(line.next(state({}))).toMatch(/^\r120\/200 .*[^\n]$/);
    expect(line.clear()).not.toBe("");
    expect(line.clear()).toBe("");
  });

  test("gives way to what is done at the moment, which a log does not get", () => {
    const line = new ProgressLine(true);
    expect(line.status("play 3 of 60")).toMatch(/^\rplay 3 of 60/);
    expect(line.clear()).not.toBe("");
    expect(new ProgressLine(false).status("play 3 of 60")).toBe("");
  });

  test("is a line for each tenth in a log", () => {
    expect(written(new ProgressLine(false), 200, {})).toHaveLength(10);
    expect(written(new ProgressLine(false), 4, { total: 4 })).toHaveLength(4);
    expect(new ProgressLine(false).next(state({ done: 3 }))).toBe("");
  });

  test("is a line for each hundredth seed in a log when no end is known", () => {
    expect(written(new ProgressLine(false), 250, { total: undefined })).toHaveLength(2);
  });
});
