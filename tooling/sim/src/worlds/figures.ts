/** What worlds count beside their aims, summed over all that were played. Pure. */
import type { Figure } from "../report.js";
import type { Outcome } from "../task.js";

type Played = Pick<Outcome, "counts" | "virtualMs" | "cpuMs" | "calls" | "faults" | "events">;
type Summed = "virtualMs" | "cpuMs" | "calls" | "faults" | "events";

export function sumOf(outcomes: readonly Played[], of: Summed): number {
  return outcomes.reduce((total, outcome) => total + outcome[of], 0);
}

export function counted(outcomes: readonly Pick<Played, "counts">[], name: string): number {
  return outcomes.reduce((total, { counts }) => total + (counts?.[name] ?? 0), 0);
}

/** The times that everything took, and between them what else was counted. */
export function figuresOf(
  outcomes: readonly Played[],
  between: readonly Figure[],
): readonly Figure[] {
  return [
    { name: "virtual minutes", value: Math.round(sumOf(outcomes, "virtualMs") / 60_000) },
    ...between,
    { name: "processor seconds", value: Math.round(sumOf(outcomes, "cpuMs") / 1_000) },
  ];
}

/** Faults, calls, and whatever the worlds have counted by name. */
export function happened(outcomes: readonly Played[]): readonly Figure[] {
  const names = new Set(outcomes.flatMap(({ counts = {} }) => Object.keys(counts)));
  return [
    { name: "faults", value: sumOf(outcomes, "faults") },
    { name: "calls", value: sumOf(outcomes, "calls") },
    ...[...names].map((name) => ({ name, value: counted(outcomes, name) })),
  ];
}
