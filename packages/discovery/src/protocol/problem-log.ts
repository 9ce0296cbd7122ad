/**
 * ProblemLog: which of the problems that strategies report are worth a log line.
 *
 * A backend that is down fails at every look-up. The first failure of a kind is logged, then one line
 * in each interval that counts what was left out. Pure: problems in, decision out.
 */
import type { FoundationError } from "@foundation/core";
import { discoveryLimits } from "../limits.js";

/** A problem a strategy reported. */
export interface DiscoveryProblem {
  readonly strategy: string;
  readonly error: FoundationError;
  /** The runtime's monotonic clock. */
  readonly atMs: number;
}

interface Kind {
  readonly loggedAtMs: number;
  readonly suppressed: number;
}

/** Decides on log lines and keeps the latest problems. */
export class ProblemLog {
  readonly #kinds = new Map<string, Kind>();
  readonly #latest: DiscoveryProblem[] = [];

  /** The latest problems, oldest first. */
  get latest(): readonly DiscoveryProblem[] {
    return [...this.#latest];
  }

  /** `log`: write a line, saying that `suppressed` like it were left out since the last one. */
  take(problem: DiscoveryProblem): { readonly log: boolean; readonly suppressed: number } {
    this.#latest.push(problem);
    if (this.#latest.length > discoveryLimits.problemsMax) this.#latest.shift();
    const key = `${problem.strategy} ${problem.error.code} ${problem.error.message}`;
    const kind = this.#kinds.get(key);
    const isSilent =
      kind !== undefined && problem.atMs - kind.loggedAtMs < discoveryLimits.problemLogIntervalMs;
    if (isSilent) {
      this.#kinds.set(key, { ...kind, suppressed: kind.suppressed + 1 });
      return { log: false, suppressed: 0 };
    }
    this.#kinds.delete(key);
    this.#kinds.set(key, { loggedAtMs: problem.atMs, suppressed: 0 });
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size > discoveryLimits.problemKindsMax && oldest !== undefined) {
      this.#kinds.delete(oldest);
    }
    return { log: true, suppressed: kind?.suppressed ?? 0 };
  }
}
