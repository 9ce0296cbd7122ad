import { describe, expect, test } from "@jest/globals";
import type { Clock } from "@foundation/core";
import { DeadlineTimer } from "../../../src/runtime/deadline-timer.js";

/** A clock of one turn at a time: the timer, then what the sockets hold, then the end of the turn. */
function turns() {
  let fire: (() => void) | undefined;
  let ends: (() => void)[] = [];
  const clock: Clock = {
    now: () => 1_000,
    wallNow: () => 0,
    sleep: () => Promise.reject(new Error("not used")),
    setTimer: (_delayMs, fn) => {
      fire = fn;
      return { cancel: () => (fire = undefined) };
    },
    endOfTurn: (fn) => void ends.push(fn),
  };
  const end = () => {
    const due = ends;
    ends = [];
    for (const fn of due) fn();
  };
  return { clock, timer: () => fire?.(), end };
}

describe("deadlines", () => {
  test("after a stall, a reply that is read in the turn of its deadline is still taken", () => {
    const { clock, timer, end } = turns();
    const waiting = new Set(["late by our own fault"]);
    const expired: string[] = [];
    const deadlines = new DeadlineTimer(clock, () => void expired.push(...waiting));
    deadlines.arm(500, 0);
    timer();
    waiting.clear();
    end();
    expect(expired).toEqual([]);
  });

  test("what nobody answered ends with the turn, and nothing ends after close", () => {
    const { clock, timer, end } = turns();
    const expired: string[] = [];
    const deadlines = new DeadlineTimer(clock, () => void expired.push("request"));
    deadlines.arm(500, 0);
    timer();
    end();
    expect(expired).toEqual(["request"]);
    deadlines.arm(500, 0);
    timer();
    deadlines.close();
    end();
    expect(expired).toEqual(["request"]);
  });
});
