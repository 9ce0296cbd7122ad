/**
 * round-robin: one after the other, in the order of their ids.
 *
 * What is remembered is the last one's id and not a count: so an instance that comes, goes or is left out of one choice
 * gives nobody two turns in a row and takes none away.
 */
import type { Contender } from "../contender.js";

/** Whose turn it was. */
export interface Turn {
  last: string;
}

/** The one behind the last in the order of ids, else the first. Not for an empty list. */
export function roundRobin<C extends Contender>(
  contenders: readonly C[],
  turn: Turn,
): C | undefined {
  let first: C | undefined;
  let next: C | undefined;
  for (const contender of contenders) {
    if (first === undefined || contender.id < first.id) first = contender;
    if (contender.id > turn.last && (next === undefined || contender.id < next.id))
      next = contender;
  }
  const chosen = next ?? first;
  if (chosen !== undefined) turn.last = chosen.id;
  return chosen;
}
