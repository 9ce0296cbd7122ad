/**
 * within: waits for something, for a time, unless a signal fires. Leaves no timer or listener.
 */
import type { Clock } from "@foundation/core";

/** The result of `work`, or undefined when the time ran out or a signal fired before. */
export function within<T>(
  clock: Clock,
  work: Promise<T>,
  timeoutMs: number,
  signals: readonly (AbortSignal | undefined)[],
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      end();
      resolve(undefined);
    };
    const timer = clock.setTimer(timeoutMs, giveUp);
    const end = () => {
      timer.cancel();
      for (const signal of signals) signal?.removeEventListener("abort", giveUp);
    };
    for (const signal of signals) {
      if (signal?.aborted === true) giveUp();
      else signal?.addEventListener("abort", giveUp, { once: true });
    }
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error as Error);
      },
    );
  });
}
