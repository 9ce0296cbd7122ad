/**
 * within: a bound in time for a wait that takes a signal. When the time is up the wait is aborted, and what it then throws
 * says that it was time, not the caller. The caller's own signal works as before.
 */
import { coreErrors, isFoundationError, type Clock } from "@foundation/core";

export interface Bound {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** What is waited for, in errors. */
  readonly target: string;
}

/** @throws {ERR_TIMEOUT} nothing happened within the time. @throws {ERR_OUTCOME_UNKNOWN} it may have. */
export async function within<T>(
  clock: Clock,
  { timeoutMs, signal, target }: Bound,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const abort = () => ending.abort(signal?.reason);
  let isLate = false;
  const timer = clock.setTimer(timeoutMs, () => {
    isLate = true;
    ending.abort();
  });
  if (signal?.aborted === true) abort();
  else signal?.addEventListener("abort", abort, { once: true });
  try {
    return await wait(ending.signal);
  } catch (error) {
    throw isLate ? late(error, timeoutMs, target) : error;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", abort);
  }
}

function late(error: unknown, timeoutMs: number, target: string): unknown {
  if (isFoundationError(error, "ERR_ABORTED")) {
    const message = `It was not sent to ${target} within ${timeoutMs} ms: there was no room, or no connection`;
    return coreErrors.ERR_TIMEOUT(message, { timeoutMs, target }, error);
  }
  if (isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) {
    const message = `It was sent to ${target}, and not confirmed within ${timeoutMs} ms: it may have arrived`;
    return coreErrors.ERR_OUTCOME_UNKNOWN(message, { reason: "deadline-exceeded", target }, error);
  }
  return error;
}
