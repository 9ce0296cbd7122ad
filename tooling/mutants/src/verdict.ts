/** Verdict: what became of one mutant, and what all of them say about the simulator. */
import { atLeast, atMost, type Aim } from "../../sim/src/report.js";

export interface Verdict {
  readonly name: string;
  readonly caught: boolean;
  /** The seed that caught it. */
  readonly seed?: string;
  /** Seeds that were played. */
  readonly seeds: number;
  /** The check that was violated, in its own words. */
  readonly check?: string;
  /** Why it was missed. */
  readonly why?: string;
  /** Processor time of the hunt, in milliseconds. */
  readonly cpuMs: number;
}

export interface Report {
  readonly ok: boolean;
  readonly aims: readonly Aim[];
  readonly mutants: readonly Verdict[];
}

/** Bugs that must be planted at least, and the part of them that must be caught: 14 of 15. */
const planted = { min: 15, caughtOf: { caught: 14, of: 15 } } as const;
const CHECK_CHARS_MAX = 200;

/** The aims, judged. A few mutants picked by name must all be caught, and no number is asked for. */
export function reportOf(
  verdicts: readonly Verdict[],
  tainted: ReadonlySet<string>,
  inCatalogue: number,
): Report {
  const mutants = verdicts.map((verdict) => {
    if (verdict.seed === undefined || !tainted.has(verdict.seed)) return verdict;
    return { ...verdict, caught: false, why: "its seed fails without the mutant too" };
  });
  const isWhole = mutants.length === inCatalogue;
  const caught = mutants.filter((mutant) => mutant.caught).length;
  const { min, caughtOf } = planted;
  const needed = isWhole
    ? Math.ceil((mutants.length * caughtOf.caught) / caughtOf.of)
    : mutants.length;
  const aims = [
    atLeast("planted", isWhole ? min : 1, mutants.length),
    atLeast("caught", needed, caught),
    atMost("control violations", 0, tainted.size),
  ];
  return { ok: aims.every(({ met }) => met), aims, mutants };
}

/** The violation in one line: which check, and the first thing it found. */
export function checkOf(violation: string): string {
  const [first = "", second = ""] = violation.split("\n");
  const detail = first.endsWith(":") ? ` ${second.trim()}` : "";
  return (first + detail).slice(0, CHECK_CHARS_MAX);
}
