/**
 * ContractTime: how a suite lets time pass, so that one suite runs on virtual and on real time.
 */
import assert from "node:assert/strict";
import { nodeClock } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import type { VirtualClock } from "@foundation/core/testing";
import { testkitLimits } from "./limits.js";

/** Lets time pass, virtually or really. */
export interface ContractTime {
  /** The clock that the thing under test uses. */
  readonly clock: Clock;
  /** Lets the world run until the promise settles, and gives its result. */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Lets this many milliseconds pass. */
  pass(ms: number): Promise<void>;
}

/** Time that passes only as the suite says. */
export function virtualTime(clock: VirtualClock): ContractTime {
  return {
    clock,
    wait: (promise) => clock.run(promise),
    pass: (ms) => clock.advance(ms),
  };
}

/** Time as it passes on this machine. @param clock what the adapter under test uses */
export function realTime(clock: Clock): ContractTime {
  return { clock, wait: (promise) => promise, pass: (ms) => clock.sleep(ms) };
}

/**
 * Virtual time for code whose sockets are real: each few milliseconds of it leave the machine a moment to deliver what
 * was sent. Timers, pauses and limits are virtual, so a backoff of minutes is tried in a second or two.
 */
export function socketTime(clock: VirtualClock): ContractTime {
  const machine = nodeClock();
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= testkitLimits.socketStepMs) {
      await machine.sleep(1);
      await clock.advance(Math.min(left, testkitLimits.socketStepMs));
    }
  };
  return {
    clock,
    pass,
    wait: async (promise) => {
      let isSettled = false;
      const settle = (): void => {
        isSettled = true;
      };
      promise.then(settle, settle);
      await clock.settle();
      while (!isSettled) await pass(testkitLimits.pollMs);
      return promise;
    },
  };
}

/** Lets time pass until the condition holds; fails with `what` when it does not within so much of that time. */
export async function until(
  time: ContractTime,
  what: string,
  condition: () => boolean,
  withinMs: number = testkitLimits.untilMs,
): Promise<void> {
  const untilMs = time.clock.now() + withinMs;
  while (!condition()) {
    assert.ok(time.clock.now() < untilMs, `not within ${withinMs} ms: ${what}`);
    await time.pass(testkitLimits.pollMs);
  }
}

/** Asserts that the promise rejects with this error code while time passes, and gives the error. */
export async function rejectsWith(
  time: ContractTime,
  promise: Promise<unknown>,
  ...codes: readonly string[]
): Promise<{ readonly code: string; readonly details: Readonly<Record<string, unknown>> }> {
  const outcome = await time.wait(
    promise.then(
      (value) => ({ rejected: false as const, value }),
      (error: unknown) => ({ rejected: true as const, error }),
    ),
  );
  assert.ok(outcome.rejected, `expected ${codes.join(" or ")}, but the promise resolved`);
  return errorWith(outcome.error, codes);
}

/** Asserts that the call throws an error with this code, and gives the error. */
export function throwsWith(
  run: () => unknown,
  ...codes: readonly string[]
): { readonly code: string; readonly details: Readonly<Record<string, unknown>> } {
  try {
    run();
  } catch (error) {
    return errorWith(error, codes);
  }
  return assert.fail(`expected ${codes.join(" or ")}, but nothing was thrown`);
}

function errorWith(
  error: unknown,
  codes: readonly string[],
): { readonly code: string; readonly details: Readonly<Record<string, unknown>> } {
  const found = error as { code?: unknown; details?: unknown };
  const shown = error instanceof Error ? `${String(found.code)}: ${error.message}` : String(error);
  assert.ok(
    typeof found.code === "string" && codes.includes(found.code),
    `expected ${codes.join(" or ")}, found ${shown}`,
  );
  return error as { code: string; details: Readonly<Record<string, unknown>> };
}
