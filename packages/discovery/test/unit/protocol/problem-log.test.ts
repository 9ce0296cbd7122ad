import { describe, expect, test } from "@jest/globals";
import { discoveryErrors } from "../../../src/errors.js";
import { discoveryLimits } from "../../../src/limits.js";
import { ProblemLog } from "../../../src/protocol/problem-log.js";

const problem = (reason: string, atMs: number, strategy = "local") => ({
  strategy,
  error: discoveryErrors.ERR_DISCOVERY_FAILED(reason, { strategy, reason }),
  atMs,
});
const { problemLogIntervalMs, problemsMax, problemKindsMax } = discoveryLimits;

describe("the log of problems", () => {
  test("the same problem is logged once in an interval, then with a count", () => {
    const log = new ProblemLog();
    expect(log.take(problem("x", 0))).toEqual({ log: true, suppressed: 0 });
    expect(log.take(problem("x", 1))).toEqual({ log: false, suppressed: 0 });
    expect(log.take(problem("x", 2))).toEqual({ log: false, suppressed: 0 });
    expect(log.take(problem("x", problemLogIntervalMs))).toEqual({ log: true, suppressed: 2 });
    expect(log.take(problem("x", problemLogIntervalMs + 1)).log).toBe(false);
  });

  test("another problem and another strategy are logged at once", () => {
    const log = new ProblemLog();
    log.take(problem("x", 0));
    expect(log.take(problem("y", 1)).log).toBe(true);
    expect(log.take(problem("x", 1, "static")).log).toBe(true);
  });

  test("the latest problems are kept, and only so many", () => {
    const log = new ProblemLog();
    for (let i = 0; i < problemKindsMax + 50; i += 1) log.take(problem(`p${i}`, i));
    expect(log.latest).toHaveLength(problemsMax);
    expect(log.latest.at(-1)?.error.message).toBe(`p${problemKindsMax + 49}`);
    // The oldest kind was forgotten, so it would be logged again.
    expect(log.take(problem("p0", 400)).log).toBe(true);
  });
});
