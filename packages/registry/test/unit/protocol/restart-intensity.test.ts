import { describe, expect, test } from "@jest/globals";
import { coreErrors, type ExitReason } from "@foundation/core";
import type { Restart } from "../../../src/protocol/child-spec.js";
import { judgeExit } from "../../../src/protocol/restart-intensity.js";

const limit = { max: 3, withinMs: 5_000 };
const crash: ExitReason = {
  type: "error",
  error: coreErrors.ERR_HANDLER_FAILED("crashed", { thrown: "Error" }),
};

function verdict(reason: ExitReason, restart: Restart): string {
  return judgeExit(reason, restart, [], 0, limit).verdict;
}

describe("whether a child that ended is started again", () => {
  test.each<[Restart, ExitReason, string]>([
    ["permanent", { type: "normal" }, "restart"],
    ["permanent", { type: "shutdown" }, "restart"],
    ["permanent", crash, "restart"],
    ["permanent", { type: "killed" }, "restart"],
    ["permanent", { type: "name-conflict" }, "end"],
    ["transient", { type: "normal" }, "end"],
    ["transient", { type: "shutdown" }, "end"],
    ["transient", crash, "restart"],
    ["transient", { type: "killed" }, "restart"],
    ["transient", { type: "name-conflict" }, "end"],
    ["temporary", crash, "end"],
    ["temporary", { type: "normal" }, "end"],
  ])("a %s child that ended with %j: %s", (restart, reason, expected) => {
    expect(verdict(reason, restart)).toBe(expected);
  });

  test("the fourth crash within five seconds gives the child up", () => {
    let history: readonly number[] = [];
    for (const now of [0, 1_000, 2_000]) {
      const judged = judgeExit(crash, "permanent", history, now, limit);
      expect(judged.verdict).toBe("restart");
      history = judged.history;
    }
    expect(judgeExit(crash, "permanent", history, 4_999, limit).verdict).toBe("give-up");
    expect(judgeExit(crash, "permanent", history, 5_000, limit).verdict).toBe("restart");
  });

  test("the history never holds more than the restarts of one window", () => {
    let history: readonly number[] = [];
    for (let now = 0; now < 100_000; now += 2_000) {
      history = judgeExit(crash, "permanent", history, now, limit).history;
      expect(history.length).toBeLessThanOrEqual(limit.max);
    }
  });
});
