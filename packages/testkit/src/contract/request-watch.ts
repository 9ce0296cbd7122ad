/** RequestWatch: at which instants a backend was asked, seen from its count of requests. */
import { testkitLimits } from "../limits.js";
import type { DiscoveryBackend } from "./discovery-backend.js";

/** Lets time pass, and gives the instants at which the count grew. Requests of one look count as one instant. */
export async function watchRequests(
  { time, requests }: Pick<DiscoveryBackend, "time" | "requests">,
  forMs: number,
): Promise<readonly number[]> {
  const instants: number[] = [];
  const { burstMs, pollMs } = testkitLimits;
  const untilMs = time.clock.now() + forMs;
  let seen = requests();
  while (time.clock.now() < untilMs) {
    await time.pass(pollMs);
    const now = requests();
    const last = instants.at(-1);
    const nowMs = time.clock.now();
    if (now > seen && (last === undefined || nowMs - last > burstMs)) instants.push(nowMs);
    seen = now;
  }
  return instants;
}

/** The pauses between instants. */
export function pausesOf(instants: readonly number[]): readonly number[] {
  return instants.slice(1).map((each, i) => each - (instants[i] ?? each));
}
