/**
 * Visited: the configurations a search has been in, so that it goes into none that can do no more than one of them.
 *
 * At one level and with one state, a configuration is no better than another when it has more left that must be placed
 * (`due`) and less that may be (`open`): whatever order completes it, completes the other.
 */
import { linearizabilityLimits } from "../limits.js";
import { isWithin, type SlotSet } from "./slot-set.js";

interface Seen {
  readonly exact: Set<string>;
  readonly compared: { readonly due: SlotSet; readonly open: SlotSet }[];
}

export class Visited {
  readonly #levels: (Map<number, Seen> | undefined)[] = [];

  /** False when there is no need to go there. */
  add(level: number, state: number, due: SlotSet, open: SlotSet): boolean {
    const states = (this.#levels[level] ??= new Map<number, Seen>());
    let seen = states.get(state);
    if (!seen) states.set(state, (seen = { exact: new Set(), compared: [] }));
    for (const other of seen.compared) {
      if (isWithin(other.due, due) && isWithin(open, other.open)) return false;
    }
    const text = `${due.join()} ${open.join()}`;
    if (seen.exact.has(text)) return false;
    seen.exact.add(text);
    if (seen.compared.length < linearizabilityLimits.comparedMax) seen.compared.push({ due, open });
    return true;
  }
}
