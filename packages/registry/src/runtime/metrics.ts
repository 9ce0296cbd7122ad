/** The registry's instruments, asked for once because `add` is on hot paths. */
import type { Meter } from "@foundation/core";

interface Counter {
  add(count?: number): void;
  readonly total: number;
}

/** What the registry counts. `total` is kept beside the meter's own value for `info()`. */
export interface RegistryMetrics {
  readonly restarts: Counter;
  readonly takeovers: Counter;
  readonly conflicts: Counter;
  readonly failures: Counter;
  readonly dropped: Counter;
  readonly retries: Counter;
  readonly moves: Counter;
  readonly leasesLost: Counter;
}

/** Makes the instruments. */
export function createMetrics(meter: Meter): RegistryMetrics {
  const count = (name: string, help: string): Counter => {
    const counter = meter.counter(`registry_${name}_total`, help);
    let total = 0;
    return {
      add(count = 1) {
        total += count;
        counter.add(count);
      },
      get total() {
        return total;
      },
    };
  };
  return {
    restarts: count("restarts", "Children started again on their own node after they ended."),
    takeovers: count("takeovers", "Children taken over from a node that went down or left."),
    conflicts: count("name_conflicts", "Instances ended because another one holds their identity."),
    failures: count("children_failed", "Children given up after too many restarts."),
    dropped: count("messages_dropped", "Casts and infos that no mailbox took."),
    moves: count("moves", "Children that were moved to this node with their state."),
    leasesLost: count(
      "leases_lost",
      "Strong names that this node lost while it ran their processes.",
    ),
    retries: count("call_retries", "Calls sent again after a stale location said it did not run."),
  };
}
