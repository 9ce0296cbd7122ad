/** Report: medians of all repetitions as a table with ratios, and the verdict on the aims. */
import type { Reading, Suite } from "./suite.js";

export interface Verdict {
  readonly measure: string;
  readonly of: string;
  readonly against: string;
  readonly ratioMin: number;
  readonly ratio: number;
  readonly ok: boolean;
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
      const own = medianOf(readings, contestant, measure);
      const ratio = medianOf(readings, first, measure) / own;
      return `${Math.round(own).toLocaleString("en")} (${ratio.toFixed(2)}×)`;
    }),
  ]);
  const lines = [["median (ours ÷ theirs)", ...suite.measures], ...rows];
  const widths =
    lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  return lines
    .map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "))
    .join("\n");
}

export function judge(suite: Suite, readings: readonly Reading[]): Verdict[] {
  return suite.aims.map(({ measure, of, against, ratioMin }) => {
    const ratio = medianOf(readings, of, measure) / medianOf(readings, against, measure);
    return {
      measure,
      of,
      against,
      ratioMin,
      ratio: Number(ratio.toFixed(3)),
      ok: ratio >= ratioMin,
    };
  });
}
