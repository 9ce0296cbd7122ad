/**
 * eventually: the one way to wait in tests with real time.
 *
 * It tries until the assertion holds, so a test is as fast as the machine and fails with the last reason, never by a
 * sleep that was too short.
 */
import { nodeClock, parseDuration, type Duration } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import { testkitLimits } from "./limits.js";

export interface EventuallyOptions {
  /** How long to try. @default "5s" */
  readonly within?: Duration;
  /** How long to wait between two tries. @default "5ms" */
  readonly every?: Duration;
  /** @default Node's clock */
  readonly clock?: Clock;
}

/**
 * Runs `check` until it does not throw and does not give `false`, and gives its result.
 *
 * @throws the last error of `check` when the time is up
 *
 * @example
 * ```ts
 * import { eventually } from "@foundation/testkit"
 *
 * const startedAt = performance.now()
 * await eventually(() => performance.now() - startedAt > 20, { within: "1s" })
 * ```
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { clock = nodeClock() } = options;
  const withinMs = parseDuration(options.within ?? testkitLimits.eventuallyMs, "within");
  const everyMs = parseDuration(options.every ?? testkitLimits.pollMs, "every");
  const untilMs = clock.now() + withinMs;
  for (;;) {
    let failure: unknown;
    try {
      const result = await check();
      if (result !== false) return result;
      failure = new Error("the check gave false");
    } catch (error) {
      failure = error;
    }
    if (clock.now() >= untilMs) throw explained(failure, withinMs);
    await clock.sleep(everyMs);
  }
}

function explained(failure: unknown, withinMs: number): unknown {
  if (failure instanceof Error) failure.message = `Not within ${withinMs} ms: ${failure.message}`;
  return failure;
}
