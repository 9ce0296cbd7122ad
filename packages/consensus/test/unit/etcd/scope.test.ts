/** How long a request may go on. */
import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { Scope } from "../../../src/etcd/scope.js";

describe("a scope", () => {
  test("ends once: by its time, its caller, or the engine; who listens is told once", async () => {
    const clock = virtualClock();
    const late = new Scope({ clock, timeoutMs: 100 });
    let told = 0;
    late.onEnd(() => (told += 1));
    const leave = late.onEnd(() => (told += 100));
    leave();
    expect(late.remainingMs).toBe(100);
    await clock.advance(100);
    expect([late.ended, late.remainingMs, told]).toEqual(["late", 0, 1]);
    late.end("closed");
    expect([late.ended, told]).toEqual(["late", 1]);
    late.onEnd(() => (told += 10));
    expect(told).toBe(11);

    const controller = new AbortController();
    const aborted = new Scope({ clock, signal: controller.signal });
    controller.abort();
    expect(aborted.ended).toBe("aborted");
    expect(new Scope({ clock, signal: controller.signal }).ended).toBe("aborted");
  });

  test("lets wait for a promise, or for its own end", async () => {
    const clock = virtualClock();
    const scope = new Scope({ clock, timeoutMs: 100 });
    expect(await scope.until(Promise.resolve(7))).toBe(7);
    await expect(scope.until(Promise.reject(new Error("no")))).rejects.toThrow("no");
    const never = scope.until(new Promise(() => {}));
    const pause = scope.pause(1_000);
    await clock.advance(100);
    expect(await never).toBeUndefined();
    await pause;
    expect(clock.now()).toBe(100);
  });

  test("leaves no timer and no listener when it is released", () => {
    const clock = virtualClock();
    const controller = new AbortController();
    const scope = new Scope({ clock, timeoutMs: 100, signal: controller.signal });
    scope.release();
    controller.abort();
    expect(scope.ended).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });
});
