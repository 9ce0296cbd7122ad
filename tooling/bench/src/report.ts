/**
 * Report: medians of all repetitions as a table with ratios, and the verdict on the aims. Pure: the
 * same readings give the same report.
 */
import type { Aim, Measure, Reading, Suite } from "./suite.js";

/** One judged aim. */
export interface Verdict {
  readonly name: string;
  readonly bound: Aim["bound"];
  /** The least or the most that fulfils the aim. */
  readonly target: number;
  /** What was measured; NaN, in JSON null, when something could not be measured. */
  readonly value: number;
  readonly met: boolean;
  /** Why there is no value. */
  readonly reason?: string;
  /** The same of other contestants, not judged. */
  readonly beside?: Readonly<Record<string, number>>;
}

/** The last line of a measuring command. A suite may add what it likes. */
export interface Report {
  readonly ok: boolean;
  readonly aims: readonly Verdict[];
  readonly suite: string;
  readonly repetitions: number;
  readonly [more: string]: unknown;
}

/** All that one run of a suite has found. */
export interface Findings {
  readonly repetitions: number;
  readonly readings: readonly Reading[];
  /** Contestants that could not be measured, by name, with the reason. */
  readonly failed: ReadonlyMap<string, string>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function medianOf(
  readings: readonly Reading[],
  contestant: string,
  measure: string,
): number {
  const isMeant = (reading: Reading) =>
    reading.contestant === contestant && reading.measure === measure;
  return median(readings.filter(isMeant).map(({ value }) => value));
}

/** How disturbed a run was: the median share of the processors that others used. */
export function disturbanceOf(readings: readonly Reading[]): number {
  const known = readings.flatMap(({ foreign }) => (foreign === undefined ? [] : [foreign]));
  return known.length === 0 ? 0 : median(known);
}

/**
 * One line for each contestant: its medians, and in brackets the ratio of the first contestant to
 * it.
 */
export function table(suite: Suite, readings: readonly Reading[]): string {
  const [first = ""] = suite.contestants;
  const rows = suite.contestants.map((contestant) => [
    contestant,
    ...suite.measures.map((measure) => {
      const own = medianOf(readings, contestant, measure.name);
      if (Number.isNaN(own)) return "–";
      const ratio = medianOf(readings, first, measure.name) / own;
      const inBrackets = Number.isNaN(ratio) ? "" : ` (${ratio.toFixed(2)}×)`;
      return shown(measure, own) + inBrackets;
    }),
  ]);
  const lines = [["median (ours ÷ theirs)", ...suite.measures.map(({ name }) => name)], ...rows];
  const widths =
    lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  return lines
    .map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "))
    .join("\n");
}

/** A value with the decimals of its measure. */
export function shown({ decimals }: Measure, value: number): string {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString("en", digits);
}

/** One line about an aim. */
export function verdictText({ name, bound, target, value, met, reason, beside }: Verdict): string {
  const sign = bound === "at least" ? "≥" : "≤";
  const others = Object.entries(beside ?? {}).map(([who, ratio]) => `; ${who}: ${ratio}`);
  const found = reason ?? `${value}`;
  return `${met ? "✓" : "✗"} ${name}: ${found} (aim ${sign} ${target})${others.join("")}`;
}

/** The verdict on one value; what is no number fulfils nothing. */
export function verdictOn(
  name: string,
  value: number,
  bound: Aim["bound"],
  target: number,
): Verdict {
  const met = bound === "at least" ? value >= target : value <= target;
  return { name, bound, target, value: rounded(value), met };
}

export function judge(suite: Suite, findings: Findings): Verdict[] {
  return suite.aims.map((aim) => {
    const { measure, of, bound, target, beside = [] } = aim;
    const against = againstOf(aim);
    const name = `${[of, against.join(" | ")].filter(Boolean).join(" ÷ ")}, ${measure}`;
    const reason = [of, ...against]
      .filter((who) => Number.isNaN(medianOf(findings.readings, who, measure)))
      .map((who) => `${who}: ${findings.failed.get(who) ?? "gave no reading"}`)
      .join("; ");
    const verdict = verdictOn(name, ratioOf(aim, of, findings), bound, target);
    const others = beside.map((who) => [who, rounded(ratioOf(aim, who, findings))] as const);
    return {
      ...verdict,
      met: verdict.met && reason === "",
      ...(reason === "" ? {} : { reason }),
      ...(others.length === 0 ? {} : { beside: Object.fromEntries(others) }),
    };
  });
}

/** What the last line says. An aim without a reading has no value and is not met. */
export function reportOf(suite: Suite, findings: Findings): Report {
  const { repetitions, readings, failed } = findings;
  const aims = judge(suite, findings);
  const medians = Object.fromEntries(
    suite.contestants.map((contestant) => [
      contestant,
      Object.fromEntries(
        suite.measures.map(({ name }) => [name, rounded(medianOf(readings, contestant, name))]),
      ),
    ]),
  );
  const ok = aims.every(({ met }) => met);
  const foreign = rounded(disturbanceOf(readings));
  const unavailable = Object.fromEntries(failed);
  return { ok, aims, suite: suite.name, repetitions, foreign, unavailable, medians };
}

function againstOf({ against = [] }: Aim): readonly string[] {
  return typeof against === "string" ? [against] : against;
}

function ratioOf(aim: Aim, of: string, { readings }: Findings): number {
  const own = medianOf(readings, of, aim.measure);
  const against = againstOf(aim);
  if (against.length === 0) return own;
  const others = against.map((who) => medianOf(readings, who, aim.measure));
  return own / (aim.bound === "at least" ? Math.max(...others) : Math.min(...others));
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
