/** Books: what callers of a world were told, against what its ledgers say ran; the simulation's rules, for all worlds. */
import { balanceBooks } from "../simulation/checks.js";
import { Journal } from "../simulation/journal.js";
import type { Outcome } from "./commands.js";
import type { LedgerLine } from "./ledger.js";

/** Sentences about everything that does not balance. */
export function unbalanced(
  outcomes: readonly Outcome[],
  lines: readonly LedgerLine[],
): readonly string[] {
  const journal = new Journal();
  for (const { id, instance, cast } of lines) {
    journal.note(id, instance);
    if (cast !== undefined) journal.noteCast({ id, ...cast }, instance);
  }
  return balanceBooks({ outcomes }, journal);
}
