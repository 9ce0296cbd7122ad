/** The aims of `npm run sim -- cache`, judged, and what it counted beside. Pure. */
import { atLeast, atMost, type Aim, type Figure } from "../report.js";
import type { Outcome } from "../task.js";

type Played = Pick<Outcome, "violation" | "counts" | "virtualMs" | "cpuMs" | "calls" | "faults">;

export function aimsOf(worlds: number, outcomes: readonly Played[]): readonly Aim[] {
  const violations = outcomes.filter(({ violation }) => violation !== undefined).length;
  return [atLeast("worlds", worlds, outcomes.length), atMost("violations", 0, violations)];
}

export function figuresOf(outcomes: readonly Played[]): readonly Figure[] {
  const sum = (of: "virtualMs" | "cpuMs" | "calls" | "faults") =>
    outcomes.reduce((total, outcome) => total + outcome[of], 0);
  const names = new Set(outcomes.flatMap(({ counts = {} }) => Object.keys(counts)));
  return [
    { name: "virtual minutes", value: Math.round(sum("virtualMs") / 60_000) },
    { name: "faults", value: sum("faults") },
    { name: "calls", value: sum("calls") },
    ...[...names].map((name) => ({ name, value: counted(outcomes, name) })),
    { name: "processor seconds", value: Math.round(sum("cpuMs") / 1_000) },
  ];
}

function counted(outcomes: readonly Played[], name: string): number {
  return outcomes.reduce((total, { counts }) => total + (counts?.[name] ?? 0), 0);
}
