/**
 * Runs a suite of contestants: interleaved, in another order each time, every reading printed. A
 * disturbed run may be repeated as a whole; all are printed and the least disturbed is judged, so
 * that no run is chosen for its result.
 */
import { createHash } from "node:crypto";
import { takePrecedence } from "./noise.js";
import { disturbanceOf, reportOf, shown, table, verdictText } from "./report.js";
import type { Findings, Report } from "./report.js";
import { Unavailable, type Benchmark, type Reading, type RunOptions } from "./suite.js";
import type { Suite } from "./suite.js";

/** A run is disturbed when others used more than this share of the processors, at the median. */
const DISTURBED_SHARE = 0.15;

/** The suite as a command. */
export function measured(suite: Suite): Benchmark {
  return { name: suite.name, run: (options) => run(suite, options) };
}

async function run(suite: Suite, options: RunOptions): Promise<Report> {
  const { say, repeats } = options;
  const chosen = chosenOf(suite, options);
  await using prepared = await suite.prepare?.(chosen, say);
  void prepared;
  using precedence = takePrecedence();
  if (!precedence.isTaken) say("Not allowed to go before other processes: run as root for that");
  const runs: Findings[] = [];
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    if (repeats > 1) say(`Run ${repeat} of at most ${repeats}`);
    const findings = await measureAll(suite, chosen, options);
    runs.push(findings);
    const disturbance = disturbanceOf(findings.readings);
    say(`\n${table(suite, findings.readings)}\n`);
    for (const verdict of reportOf(suite, findings).aims) say(verdictText(verdict));
    say(`Share of the processors that others used, median: ${disturbance.toFixed(2)}\n`);
    if (disturbance <= DISTURBED_SHARE) break;
  }
  const [judged] = runs.toSorted((a, b) => disturbanceOf(a.readings) - disturbanceOf(b.readings));
  if (judged === undefined) throw new Error("A suite runs once at least");
  if (runs.length > 1) say(`Judged: run ${runs.indexOf(judged) + 1}, the least disturbed`);
  return { ...reportOf(suite, judged), runs: runs.length };
}

function chosenOf({ contestants }: Suite, { only }: RunOptions): readonly string[] {
  return contestants.filter((name, i) => i === 0 || only === undefined || only.includes(name));
}

async function measureAll(
  suite: Suite,
  chosen: readonly string[],
  options: RunOptions,
): Promise<Findings> {
  const { repetitions, say } = options;
  const readings: Reading[] = [];
  const failed = new Map<string, string>();
  const missing = new Set<string>();
  for (const name of suite.contestants) {
    if (!chosen.includes(name)) failed.set(name, "not chosen with --only");
  }
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    for (const contestant of shuffled(chosen, repetition)) {
      if (missing.has(contestant)) continue;
      const label = `[${repetition}/${repetitions}] ${contestant}`;
      try {
        const taken = await suite.measure(contestant, options);
        readings.push(...taken);
        say(`${label}: ${readingsText(suite, taken)}`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failed.set(contestant, reason);
        if (error instanceof Unavailable) missing.add(contestant);
        say(`${label}: ${error instanceof Unavailable ? "not available" : "failed"}: ${reason}`);
      }
    }
  }
  return { repetitions, readings, failed };
}

function readingsText(suite: Suite, taken: readonly Reading[]): string {
  const parts = suite.measures.flatMap((measure) =>
    taken
      .filter((reading) => reading.measure === measure.name)
      .map(({ value }) => `${shown(measure, value)} ${measure.name}`),
  );
  const foreign = new Set(taken.flatMap((reading) => reading.foreign ?? []));
  const others = [...foreign].map((share) => share.toFixed(2)).join(" ");
  return parts.join(", ") + (others === "" ? "" : `; used by others: ${others}`);
}

/** Another order each time, so that none always runs first or after the same; the same each run. */
function shuffled(contestants: readonly string[], by: number): readonly string[] {
  const keyOf = (name: string) => createHash("sha1").update(`${by} ${name}`).digest("hex");
  return contestants
    .map((name) => ({ name, key: keyOf(name) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ name }) => name);
}
