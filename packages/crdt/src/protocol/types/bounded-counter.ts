/**
 * Bounded counter: a counter that never goes below zero, without asking anybody for a decrement.
 *
 * Balegas, Serra, Duarte, Ferreira, Rodrigues, Preguiça, Shapiro: "Extending Eventually Consistent
 * Cloud Databases for Enforcing Numeric Invariants" (SRDS 2015). Every increment gives its writer a
 * right to decrement; rights can be handed to other writers; a writer decrements only as far as its
 * own rights reach, which nobody else can take from it. So the bound holds in any partition.
 *
 * Invariant: a row is written by its writer alone, and its totals only grow. The rights of a start
 * that is over are lost to the others: the value stays, and what they stood for cannot be taken.
 */
import type { Entry } from "../causal/strand.js";

export interface RightsRow {
  readonly added: number;
  readonly removed: number;
  /** Rights handed over, by writer, in total. */
  readonly given: Readonly<Record<string, number>>;
}

export const NO_RIGHTS: RightsRow = { added: 0, removed: 0, given: {} };

/** True for a well-formed row; a peer's row that is none counts nothing. */
export function isRightsRow(value: unknown): value is RightsRow {
  if (typeof value !== "object" || value === null) return false;
  const { added, removed, given } = value as Partial<RightsRow>;
  if (!isTotal(added) || !isTotal(removed)) return false;
  return typeof given === "object" && given !== null && Object.values(given).every(isTotal);
}

/** The latest row of a key. */
export function rightsRowOf(list: readonly Entry<unknown>[]): RightsRow {
  let latest: Entry<unknown> | undefined;
  for (const each of list)
    if (latest === undefined || each.sequence > latest.sequence) latest = each;
  return isRightsRow(latest?.value) ? latest.value : NO_RIGHTS;
}

/** The counter's value. */
export function valueOfRows(rows: Iterable<RightsRow>): number {
  let value = 0;
  for (const { added, removed } of rows) value += added - removed;
  return value;
}

/** What a writer may still take away. */
export function rightsOf(writer: string, rows: ReadonlyMap<string, RightsRow>): number {
  const own = rows.get(writer) ?? NO_RIGHTS;
  let rights = own.added - own.removed;
  for (const [to, given] of Object.entries(own.given)) if (to !== writer) rights -= given;
  for (const [other, { given }] of rows) if (other !== writer) rights += given[writer] ?? 0;
  return rights;
}

function isTotal(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
