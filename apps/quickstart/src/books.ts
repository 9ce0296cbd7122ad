/**
 * The books: what callers were told, against what the journal says ran. Pure.
 *
 * A call that was reported successful and is not in the journal was lost; an order that stands in the journal twice ran
 * twice; one that was refused and yet ran was misreported. Each of them must be zero. Unknown outcomes are honest.
 */
import type { CallEnded } from "./messages.js";

export interface Books {
  readonly calls: number;
  readonly ok: number;
  readonly unknown: number;
  readonly refused: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly misreported: number;
}

/** Balances the reports of the callers with the lines of the journal (`id pid`). */
export function balance(calls: readonly CallEnded[], journal: string): Books {
  const runs = new Map<string, number>();
  for (const line of journal.split("\n")) {
    const id = line.slice(0, line.lastIndexOf(" "));
    if (id !== "") runs.set(id, (runs.get(id) ?? 0) + 1);
  }
  const count = (outcome: CallEnded["outcome"]) =>
    calls.filter((call) => call.outcome === outcome).length;
  const ended = (outcome: CallEnded["outcome"], ran: boolean) =>
    calls.filter((call) => call.outcome === outcome && runs.has(call.id) === ran).length;
  return {
    calls: calls.length,
    ok: count("ok"),
    unknown: count("unknown"),
    refused: count("refused"),
    lost: ended("ok", false),
    duplicated: [...runs.values()].filter((times) => times > 1).length,
    misreported: ended("refused", true),
  };
}
