import { getEventListeners, getMaxListeners } from "node:events";
import { virtualClock } from "@foundation/core/testing";
import { describe, expect, test } from "@jest/globals";
import { Patience } from "../../../src/runtime/patience.js";

describe("the patience of an operation", () => {
  test("sets no timer until somebody asks for its signal, which then fires at the deadline", async () => {
    const clock = virtualClock();
    const patience = new Patience(clock, 100, undefined);
    await clock.advance(40);
    expect(clock.pendingTimers).toBe(0);
    const { signal } = patience;
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(59);
    expect([signal.aborted, patience.expired, patience.remainingMs()]).toEqual([false, false, 1]);
    await clock.advance(1);
    expect([signal.aborted, patience.expired, patience.remainingMs()]).toEqual([true, true, 0]);
    patience.end();
  });

  test("gives a signal that follows the caller's, also one that had fired before", () => {
    const clock = virtualClock();
    const caller = new AbortController();
    const patience = new Patience(clock, 100, caller.signal);
    const early = new Patience(clock, 100, caller.signal);
    const { signal } = early;
    caller.abort("enough");
    for (const given of [signal, patience.signal]) expect(given.reason).toBe("enough");
    expect([early.expired, patience.expired]).toEqual([false, false]);
    expect(() => patience.check("start")).toThrow("gave up before start began");
    for (const one of [early, patience]) one.end();
    expect(clock.pendingTimers).toBe(0);
  });

  test("lets as many operations wait on one signal as run at once, without a warning of a leak", () => {
    const { signal } = new AbortController();
    const waiting = Array.from({ length: 64 }, () => new Patience(virtualClock(), 100, signal));
    for (const one of waiting) expect(one.signal.aborted).toBe(false);
    expect(getMaxListeners(signal)).toBeGreaterThan(getEventListeners(signal, "abort").length);
    for (const one of waiting) one.end();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("ends a loop whose pauses do not wait any more once the time is up", async () => {
    const clock = virtualClock();
    const patience = new Patience(clock, 100, undefined);
    expect(patience.signal.aborted).toBe(false);
    await clock.advance(99);
    expect(() => patience.check("start")).not.toThrow();
    await clock.advance(1);
    expect(() => patience.check("start")).toThrow("The time was up before start was done");
    patience.end();
  });

  test("leaves nothing behind when it has ended, whoever asks later", () => {
    const clock = virtualClock();
    const caller = new AbortController();
    const patience = new Patience(clock, 100, caller.signal);
    void patience.signal;
    patience.end();
    expect(clock.pendingTimers).toBe(0);
    const unasked = new Patience(clock, 100, undefined);
    unasked.end();
    expect(unasked.signal.aborted).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });
});
