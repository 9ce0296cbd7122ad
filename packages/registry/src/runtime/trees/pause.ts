/** A pause between two tries of one step, that an abort ends early. */
import type { Clock } from "@foundation/core";

/** Resolves after `ms`, or when the signal fires. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(ms, { signal }).catch(() => undefined);
}
