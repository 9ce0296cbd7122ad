/**
 * persist: does what may be done twice until it is known to be done.
 *
 * An engine answers "not applied, try again", "unknown" or "no". The first is repeated as it is; the second only where
 * a repetition is harmless, which is the caller's promise here; the third is the end.
 */
import { coreErrors, isFoundationError } from "@foundation/core";
import type { Clock, Random } from "@foundation/core/ports";
import { RECIPE_TIMES } from "./limits.js";
import { orAborted } from "./patience.js";

/** Whether the request may be sent again, if it may take effect twice. */
export function isPassing(error: unknown): boolean {
  if (!isFoundationError(error)) return false;
  return error.retryable || coreErrors.ERR_OUTCOME_UNKNOWN.is(error);
}

/**
 * Calls `attempt` until it resolves or fails for good.
 *
 * @throws the signal's reason when it fires; whatever `attempt` rejects with that does not pass
 */
export async function persist<T>(
  world: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let delayMs: number = RECIPE_TIMES.retryMs; ; delayMs *= 2) {
    if (signal.aborted) throw signal.reason;
    try {
      return await orAborted(attempt(), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!isPassing(error)) throw error;
    }
    await pause(world, Math.min(delayMs, RECIPE_TIMES.retryMsMax), signal);
  }
}

/** Waits for half of the delay up to the whole, so that those who failed together do not come back together. */
export async function pause(
  world: { readonly clock: Clock; readonly random: Random },
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await world.clock.sleep(delayMs * (0.5 + world.random.next() / 2), { signal });
  } catch {
    throw signal.reason;
  }
}
