/** Overdue: a call ends by its timeout on the clock of its caller, whatever became of whom it asked. */
import type { Clock } from "@foundation/core";

/** For a deadline's granularity, and for one timer that wakes another. */
const GRACE_MS = 100;

/**
 * Tells when a call is overdue, unless the returned function is called before.
 *
 * Looks twice: a node that was paused runs all of its late timers at once, and those of the call may come after this one.
 */
export function watchOverdue(clock: Clock, timeoutMs: number, overdue: () => void): () => void {
  let timer = clock.setTimer(timeoutMs + GRACE_MS, () => {
    timer = clock.setTimer(GRACE_MS, overdue);
  });
  return () => timer.cancel();
}
