/** What groups of consensus must show, and what happened to them besides. */
import { deeds } from "../../../acceptance/consensus/index.js";
import { atLeast, atMost, type Aim, type Figure } from "../report.js";
import type { Outcome } from "../task.js";

export interface GroupsPlayed {
  /** How many should have been played. */
  readonly worlds: number;
  readonly outcomes: readonly Outcome[];
}

/** What must have happened somewhere: else the worlds would be asleep, and their silence worth nothing. */
const awaited = [
  ...new Set(deeds.map(({ name }) => `deed ${name}`)),
  "committed",
  "not applied",
  "unknown",
  "crashes",
  "leaderships",
  "learner caught up",
  "messages lost",
  "messages repeated",
  "pre-election",
  "read-lease",
  "read-round",
  "snapshot-installed",
  "snapshots taken",
  "stepped-down",
  "transferred",
  "vote-ignored-lease",
] as const;
/** In so many worlds everything must have come. */
const MANY = 100;
const MINUTE_MS = 60_000;

export function judge({ worlds, outcomes }: GroupsPlayed): {
  readonly aims: readonly Aim[];
  readonly figures: readonly Figure[];
} {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) {
    for (const [name, count] of Object.entries(outcome.counts ?? {})) {
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }
  const sum = (of: "virtualMs" | "events" | "calls" | "cpuMs"): number => {
    return outcomes.reduce((total, outcome) => total + outcome[of], 0);
  };
  const violations = outcomes.filter(({ violation }) => violation !== undefined).length;
  const missing = awaited.filter((name) => (counts.get(name) ?? 0) === 0);
  const aims = [
    atLeast("worlds", worlds, outcomes.length),
    atMost("violations", 0, violations),
    atMost("histories that could not be decided", 0, counts.get("undecided") ?? 0),
  ];
  if (outcomes.length >= MANY) {
    const names = missing.length > 0 ? ` (${missing.join(", ")})` : "";
    aims.push(atMost(`kinds of happenings that never came${names}`, 0, missing.length));
  }
  const figures: Figure[] = [
    { name: "virtual minutes", value: Math.round(sum("virtualMs") / MINUTE_MS) },
    { name: "events", value: sum("events") },
    { name: "operations in histories", value: sum("calls") },
    { name: "processor seconds", value: Math.round(sum("cpuMs") / 1_000) },
    ...[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ name, value })),
  ];
  return { aims, figures };
}
