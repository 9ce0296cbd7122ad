/** sleepBy: the `sleep` of a clock whose timers are all there is to it. */
import { coreErrors } from "../errors/errors.js";
import type { Clock } from "../ports/clock.js";

/**
 * Waits by the timers of a clock; for whoever writes a clock of virtual time.
 *
 * @param delayMs milliseconds of that clock
 * @throws {ERR_ABORTED} when the signal fires, or has fired
 *
 * @example
 * ```ts
 * import { sleepBy, virtualClock } from "@foundation/core/testing"
 *
 * const clock = virtualClock()
 * const sleeping = sleepBy(clock, 250)
 * await clock.advance(250)
 * await sleeping
 * ```
 */
export function sleepBy(
  clock: Pick<Clock, "setTimer">,
  delayMs: number,
  options?: { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const signal = options?.signal;
  return new Promise((resolve, reject) => {
    const abort = () => {
      timer.cancel();
      const details = { target: "sleep" };
      reject(coreErrors.ERR_ABORTED("The sleep was aborted", details, signal?.reason));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
