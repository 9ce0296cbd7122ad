/**
 * Faults: what may go wrong by itself in a simulated cluster, and how much of it a seed draws.
 *
 * "all" is swarm testing (Groce et al., Swarm Testing, ISSTA 2012): each seed allows a set of faults of its own, at a
 * rate of its own, since a fault that hides another would otherwise hide it in every run.
 */
import { parseDuration, type Duration, type Random } from "@foundation/core";
import { invalidArgument, isPlain, refuseUnknown } from "./invalid-argument.js";

const WHERE = "simulateCluster";

export const faultNames = [
  "clog",
  "crash",
  "discovery",
  "drift",
  "full",
  "half-open",
  "jump",
  "one-way",
  "partition",
  "pause",
  "power",
  "reset",
  "restore",
  "skew",
  "stall",
  "suspend",
  "wipe",
] as const;

/**
 * `partition`, `one-way`: links are cut for a while. `reset`, `half-open`: connections break, in the second case
 * unnoticed by one side. `clog`: a link is slow. `crash`, `power`: a process or its machine ends, and starts again.
 * `pause`: a process stands still. `suspend`: a machine does, and loses its connections. `skew`: a wall clock is off by
 * up to an hour. `drift`: a monotonic clock runs up to a tenth fast or slow. `stall`: a disk does not answer.
 * `discovery`: look-ups fail. `jump`: a wall clock jumps by up to an hour, and stays. `full`: a disk has no space for a
 * while. `wipe`, `restore`: a process ends and starts again with an empty disk, or with an older image of its own.
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
  if (!isPlain(faults)) {
    throw invalidArgument(
      WHERE,
      "faults",
      '"none", "all" or { kinds, every, lasts, down }',
      faults,
    );
  }
  refuseUnknown(WHERE, "faults", faults, ["kinds", "every", "lasts", "down"]);
  const { kinds = faultNames } = faults;
  const expected = `a list of ${faultNames.join(", ")}`;
  if (!Array.isArray(kinds)) throw invalidArgument(WHERE, "faults.kinds", expected, kinds);
  for (const kind of kinds) {
    if (!faultNames.includes(kind)) throw invalidArgument(WHERE, "faults.kinds", expected, kind);
  }
  if (kinds.length === 0) return undefined;
  return { kinds, ...timesOf(faults, random) };
}

function timesOf(options: FaultOptions, random: Random): Omit<FaultPlan, "kinds"> {
  const drawnMs = 300 + random.next() * 2_700;
  const everyMs = parseDuration(options.every ?? drawnMs, "faults.every");
  if (everyMs < 1) throw invalidArgument(WHERE, "faults.every", "1 ms at least", options.every);
  return {
    everyMs,
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
