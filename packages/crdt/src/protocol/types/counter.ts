/**
 * Counters: for each writer one row with all it ever added and took away.
 *
 * Only the writer writes its row, under its own key, so rows never conflict, and the greater totals
 * are the later ones: where two writes of a row are live at once the later one counts. The value is
 * the sum over all rows, those of starts that are over included (Shapiro, Preguiça, Baquero, Zawirski:
 * "A comprehensive study of Convergent and Commutative Replicated Data Types", 2011).
 */
import type { Entry } from "../causal/strand.js";

/** What one writer added, and what it took away; both only grow. */
export type CounterRow = readonly [added: number, removed: number];

export const NO_COUNT: CounterRow = [0, 0];

/** True for a well-formed row; a peer's row that is none counts nothing. */
export function isCounterRow(value: unknown): value is CounterRow {
  return Array.isArray(value) && value.length === 2 && value.every(isTotal);
}

/** The row of a key: of several live writes the latest of its writer. */
export function rowOf(list: readonly Entry<unknown>[]): CounterRow {
  let latest: Entry<unknown> | undefined;
  for (const each of list)
    if (latest === undefined || each.sequence > latest.sequence) latest = each;
  return isCounterRow(latest?.value) ? latest.value : NO_COUNT;
}

export function countOf([added, removed]: CounterRow): number {
  return added - removed;
}

/** The sum of all rows, the same on every node: of fractions, the order of adding decides the last digits. */
export function totalOf(counts: readonly number[]): number {
  let total = 0;
  for (const each of counts) {
    total += each;
    if (!Number.isSafeInteger(each) || !Number.isSafeInteger(total)) {
      return [...counts].sort((a, b) => a - b).reduce((sum, next) => sum + next, 0);
    }
  }
  return total;
}

/** The row after a change by `by`, which may be negative. */
export function countedOn([added, removed]: CounterRow, by: number): CounterRow {
  return by >= 0 ? [added + by, removed] : [added, removed - by];
}

function isTotal(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
