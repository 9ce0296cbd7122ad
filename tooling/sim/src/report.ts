/** Report: the last line of `npm run sim`, as one JSON object. */
import type { Hunted } from "./hunt.js";
import type { Outcome } from "./task.js";

/** One judged aim. A measurement that did not come about has no value and is not met. */
export interface Aim {
  readonly name: string;
  readonly target: number;
  readonly value: number | null;
  readonly met: boolean;
}

/** Something measured that nothing was promised about. */
export interface Figure {
  readonly name: string;
  readonly value: number;
}

export interface Report {
  readonly ok: boolean;
  readonly aims: readonly Aim[];
  /** Absent when there are none. */
  readonly figures?: readonly Figure[];
  readonly seeds: number;
  readonly failedSeeds: readonly string[];
  readonly virtualSeconds: number;
  readonly seconds: number;
  readonly events: number;
  readonly faults: number;
  readonly calls: number;
  readonly published: number;
  /** True when it was stopped before its end: `ok` is false then. */
  readonly interrupted?: boolean;
  /** Of one seed that was played again. */
  readonly hash?: string | undefined;
}

export function atLeast(name: string, target: number, value: number | undefined): Aim {
  const isMet = value !== undefined && value >= target;
  return { name, target, value: value ?? null, met: isMet };
}

export function atMost(name: string, target: number, value: number | undefined): Aim {
  const isMet = value !== undefined && value <= target;
  return { name, target, value: value ?? null, met: isMet };
}

export function reportOf(
  { played, failedSeeds, wallMs }: Hunted,
  aims: readonly Aim[],
  isInterrupted: boolean,
  figures: readonly Figure[] = [],
): Report {
  const [first] = played;
  return {
    ok: !isInterrupted && aims.every(({ met }) => met),
    aims,
    ...(figures.length > 0 && { figures }),
    seeds: played.length,
    failedSeeds,
    virtualSeconds: Math.round(sum(played, "virtualMs") / 1_000),
    seconds: Math.round(wallMs / 100) / 10,
    events: sum(played, "events"),
    faults: sum(played, "faults"),
    calls: sum(played, "calls"),
    published: sum(played, "published"),
    ...(isInterrupted && { interrupted: true }),
    ...(played.length === 1 && { hash: first?.hash }),
  };
}

/** A line for people. */
export function aimText({ name, target, value, met }: Aim): string {
  return `${met ? "✓" : "✗"} ${name}: ${value ?? "not measured"} (aim ${target})`;
}

export function figureText({ name, value }: Figure): string {
  return `· ${name}: ${value}`;
}

type Count = "virtualMs" | "events" | "faults" | "calls" | "published";

function sum(played: readonly Outcome[], of: Count): number {
  return played.reduce((total, one) => total + one[of], 0);
}
