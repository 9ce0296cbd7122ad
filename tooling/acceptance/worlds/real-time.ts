/** How worlds of real time wait: never longer than a scenario's bound, and by looking again, not by hoping. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseDuration, type Duration } from "@foundation/core";

const pollMs = 25;

export async function runInRealTime(duration: Duration): Promise<void> {
  await sleep(parseDuration(duration, "duration"));
}

/** @throws with the last answer when the condition does not hold within the time */
export async function eventuallyInRealTime(
  holds: () => Promise<true | string>,
  within: Duration,
): Promise<void> {
  const untilMs = performance.now() + parseDuration(within, "within");
  for (;;) {
    const answer = await holds();
    if (answer === true) return;
    if (performance.now() >= untilMs) throw new Error(`not within ${within}: ${answer}`);
    await sleep(pollMs);
  }
}
