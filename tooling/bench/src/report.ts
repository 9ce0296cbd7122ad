/** Report: medians of all repetitions as a table with ratios, and the verdict on the aims. */
import type { Measure, Reading, Suite } from "./suite.js";

/** One judged aim: `value` is the ratio that was measured, `target` the least that fulfils it. */
export interface Verdict {
  readonly name: string;
  readonly target: number;
  readonly value: number;
  readonly met: boolean;
}

/** The last line of a measuring command. */
export interface Report {
  readonly ok: boolean;
  readonly aims: readonly Verdict[];
  readonly suite: string;
  readonly repetitions: number;
  /** Contestant, then measure: the median of its readings. */
  readonly medians: Readonly<Record<string, Readonly<Record<string, number>>>>;
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
      const ratio = medianOf(readings, first, measure.name) / own;
      return `${shown(measure, own)} (${ratio.toFixed(2)}×)`;
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

export function judge(suite: Suite, readings: readonly Reading[]): Verdict[] {
  return suite.aims.map(({ measure, of, against, ratioMin }) => {
    const ratio = medianOf(readings, of, measure) / medianOf(readings, against, measure);
    return {
      name: `${of} ÷ ${against}, ${measure}`,
      target: ratioMin,
      value: Number(ratio.toFixed(3)),
      met: ratio >= ratioMin,
    };
  });
}

/** What the last line says. An aim without a reading has no value and is not met. */
export function reportOf(suite: Suite, repetitions: number, readings: readonly Reading[]): Report {
  const aims = judge(suite, readings);
  const medians = Object.fromEntries(
    suite.contestants.map((contestant) => [
      contestant,
      Object.fromEntries(
        suite.measures.map(({ name }) => [
          name,
          Number(medianOf(readings, contestant, name).toFixed(3)),
        ]),
      ),
    ]),
  );
  const ok = aims.every(({ met }) => met);
  return { ok, aims, suite: suite.name, repetitions, medians };
}
