/** Load: so many requests under way at once, each client one after the other. */
import type { LoadFound } from "./messages.js";

/** A latency beyond these is of no reading; the rest of them is counted all the same. */
const LATENCIES_MAX = 2_000_000;

export async function load(
  clients: number,
  forMs: number,
  request: () => Promise<unknown>,
): Promise<LoadFound> {
  const latenciesMs: number[] = [];
  let done = 0;
  let failed = 0;
  const beganMs = performance.now();
  const client = async () => {
    for (;;) {
      const askedMs = performance.now();
      if (askedMs - beganMs >= forMs) return;
      try {
        await request();
        done += 1;
        if (latenciesMs.length < LATENCIES_MAX) latenciesMs.push(performance.now() - askedMs);
      } catch {
        failed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - beganMs) / 1_000;
  return { done, failed, seconds, latenciesMs: latenciesMs.toSorted((a, b) => a - b) };
}

/** @param sorted ascending; @param share 0 to 1 */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What several processes found at the same time, as one. */
export function together(all: readonly LoadFound[]): LoadFound {
  return {
    done: all.reduce((sum, { done }) => sum + done, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
    latenciesMs: all.flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b),
  };
}
