/**
 * leakCheck: says what a piece of code left open: sockets, servers, timers, watchers, child processes.
 *
 * What keeps the event loop alive is counted before and after. Closing takes a few turns, so what is left is given a
 * moment before it counts.
 */
import { nodeClock } from "@foundation/core";
import { testkitLimits } from "./limits.js";

/** What only a test can have left open; other kinds belong to the runner. */
const WATCHED: ReadonlySet<string> = new Set([
  "FSEventWrap",
  "MessagePort",
  "ProcessWrap",
  "StatWatcher",
  "TCPServerWrap",
  "TCPSocketWrap",
  "TLSWrap",
  "Timeout",
  "UDPWrap",
  "Worker",
]);

/** One check, begun by `leakCheck`. */
export interface LeakCheck {
  /** What is open now and was not at the beginning, e.g. `["Timeout × 2"]`. Waits up to 2 s for it to go away. */
  leftOpen(): Promise<readonly string[]>;
  /** @throws {Error} naming what was left open. */
  assertNone(): Promise<void>;
}

/**
 * Begins to watch what is opened from now on.
 *
 * @example
 * ```ts
 * import { leakCheck } from "@foundation/testkit"
 *
 * const leaks = leakCheck()
 * // … start and stop what is under test …
 * await leaks.assertNone()
 * ```
 */
export function leakCheck(options: { readonly graceMs?: number } = {}): LeakCheck {
  const before = countOpen();
  const graceMs = options.graceMs ?? testkitLimits.leakGraceMs;
  const leftOpen = async (): Promise<readonly string[]> => {
    const clock = nodeClock();
    const untilMs = clock.now() + graceMs;
    for (;;) {
      const left = difference(before, countOpen());
      if (left.length === 0 || clock.now() >= untilMs) return left;
      await clock.sleep(testkitLimits.pollMs);
    }
  };
  return {
    leftOpen,
    assertNone: async () => {
      const left = await leftOpen();
      if (left.length > 0)
        throw new Error(`Left open: ${left.join(", ")}. Close what was started.`);
    },
  };
}

function countOpen(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (WATCHED.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function difference(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): readonly string[] {
  return [...after]
    .map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)] as const)
    .filter(([, more]) => more > 0)
    .map(([kind, more]) => `${kind} × ${more}`);
}
