/**
 * Faults: what may go wrong by itself in a simulated cluster, and how much of it a seed draws.
 *
 * "all" is swarm testing (Groce et al., Swarm Testing, ISSTA 2012): each seed allows a set of faults of its own, at a
 * rate of its own, since a fault that hides another would otherwise hide it in every run.
 */
import { coreErrors, parseDuration, type Duration, type Random } from "@foundation/core";

export const faultNames = [
  "clog",
  "crash",
  "discovery",
  "drift",
  "half-open",
  "one-way",
  "partition",
  "pause",
  "power",
  "reset",
  "skew",
  "stall",
  "suspend",
] as const;

/**
 * `partition`, `one-way`: links are cut for a while. `reset`, `half-open`: connections break, in the second case
 * unnoticed by one side. `clog`: a link is slow. `crash`, `power`: a process or its machine ends, and starts again.
 * `pause`: a process stands still. `suspend`: a machine does, and loses its connections. `skew`: a wall clock is off by
 * up to an hour. `drift`: a monotonic clock runs up to a tenth fast or slow. `stall`: a disk does not answer.
 * `discovery`: look-ups fail.
 */
export type FaultName = (typeof faultNames)[number];

export interface FaultOptions {
  /** Those that may happen. @default all */
  readonly kinds?: readonly FaultName[];
  /** How often one happens, on average. @default drawn from the seed, "300ms" to "3s" */
  readonly every?: Duration;
  /** How long a cut, a slow link, a stall or an outage lasts at most. @default "10s" */
  readonly lasts?: Duration;
  /** How long a node is down or paused at most. @default "5s" */
  readonly down?: Duration;
}

export type Faults = "none" | "all" | FaultOptions;

/** What one seed does. */
export interface FaultPlan {
  readonly kinds: readonly FaultName[];
  readonly everyMs: number;
  readonly lastsMs: number;
  readonly downMs: number;
}

/** Undefined: nothing goes wrong. @throws {ERR_INVALID_ARGUMENT} */
export function faultPlan(faults: Faults, random: Random): FaultPlan | undefined {
  if (faults === "none") return undefined;
  if (faults === "all") return { kinds: drawKinds(random), ...timesOf({}, random) };
  if (typeof faults !== "object") throw invalid(String(faults));
  const { kinds = faultNames } = faults;
  for (const kind of kinds) if (!faultNames.includes(kind)) throw invalid(kind);
  if (kinds.length === 0) return undefined;
  return { kinds, ...timesOf(faults, random) };
}

function timesOf(options: FaultOptions, random: Random): Omit<FaultPlan, "kinds"> {
  const drawnMs = 300 + random.next() * 2_700;
  return {
    everyMs: parseDuration(options.every ?? drawnMs, "faults.every"),
    lastsMs: parseDuration(options.lasts ?? "10s", "faults.lasts"),
    downMs: parseDuration(options.down ?? "5s", "faults.down"),
  };
}

/** About half of them, one at least. */
function drawKinds(random: Random): readonly FaultName[] {
  const kinds = faultNames.filter(() => random.next() < 0.5);
  const one = faultNames[Math.floor(random.next() * faultNames.length)] ?? "partition";
  return kinds.length > 0 ? kinds : [one];
}

function invalid(found: string): Error {
  const expected = `"none", "all" or { kinds } of ${faultNames.join(", ")}`;
  return coreErrors.ERR_INVALID_ARGUMENT(
    `simulateCluster: faults must be ${expected}, found "${found}"`,
    { argument: "faults", expected, found },
  );
}
