/** RequestWatch: at which instants a backend was asked, seen from its count of requests. */
import { testkitLimits } from "../limits.js";
import type { DiscoveryBackend } from "./discovery-backend.js";

/**
 * Lets time pass until the count grew so many times, or for so long, and gives the instants at which it grew. Requests of
 * one look count as one instant.
 */
export async function watchRequests(
  backend: Pick<DiscoveryBackend, "time" | "requests">,
  most: number,
  forMs: number,
): Promise<readonly number[]> {
  const instants: number[] = [];
  const { burstMs } = testkitLimits;
  const { time } = backend;
  const untilMs = time.clock.now() + forMs;
  let seen = backend.requests();
  while (time.clock.now() < untilMs && instants.length < most) {
    // As fine as a burst is long: pauses are far longer.
    await time.pass(burstMs / 2);
    const now = backend.requests();
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
