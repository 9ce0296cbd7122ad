/** The aims of `npm run sim -- processes`, judged, and what it counted beside. Pure. */
import { failoverWindowMs } from "../../../acceptance/processes/index.js";
import { atLeast, atMost, type Aim, type Figure } from "../report.js";
import type { Outcome } from "../task.js";

/** Of each name, the share of its time in a partition, after the fail-over window, in which the majority reaches it. */
const REACHABLE_PERCENT = 99.9;

type Played = Pick<Outcome, "violation" | "counts" | "virtualMs" | "cpuMs" | "calls" | "faults">;

export function aimsOf(worlds: number, outcomes: readonly Played[]): readonly Aim[] {
  const violations = outcomes.filter(({ violation }) => violation !== undefined).length;
  const asked = counted(outcomes, "asked");
  const share = asked === 0 ? undefined : (100 * counted(outcomes, "answered")) / asked;
  return [
    atLeast("worlds", worlds, outcomes.length),
    atMost("violations", 0, violations),
    atLeast("% reachable from the majority", REACHABLE_PERCENT, share),
  ];
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
    { name: "fail-over window, ms", value: failoverWindowMs },
    { name: "processor seconds", value: Math.round(sum("cpuMs") / 1_000) },
  ];
}

function counted(outcomes: readonly Played[], name: string): number {
  return outcomes.reduce((total, { counts }) => total + (counts?.[name] ?? 0), 0);
}
