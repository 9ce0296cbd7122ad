/**
 * Foresight: what the rest of the history will need, so that a search leaves no state that it cannot come back to.
 *
 * A value that was read must be the state until the last read of it has started, unless some operation can make it again
 * (the zones of Gibbons and Korach, "Testing shared memories", 1997). Without that, a search that placed a write too late
 * or too early finds out many operations later, and has tried all that lies between in every order. It only knows where
 * the model says what operations need and make (`traits`), and says nothing of states that many operations make.
 */
import { hasSlot, type SlotSet } from "./slot-set.js";
import { linearizabilityLimits } from "../limits.js";
import type { Timeline, TimelineOperation } from "./timeline.js";

/** When an operation is open. */
interface Span {
  readonly firstLevel: number;
  readonly lastLevel: number;
}

export class Foresight<State, Input, Output> {
  readonly #timeline: Timeline<State, Input, Output>;
  /** What makes a state, in order of their starts. */
  readonly #makers = new Map<number, TimelineOperation<Input, Output>[]>();
  /** Of what needs a state, what starts last. */
  readonly #needs = new Map<number, Span>();
  /** Whether all that is made is known. */
  readonly #sees: boolean;

  /** @param levels how many levels the search has: what ends later is not needed */
  constructor(timeline: Timeline<State, Input, Output>, levels: number) {
    this.#timeline = timeline;
    this.#sees = timeline.operations.every(({ effect, makes }) => effect === "none" || makes >= 0);
    if (!this.#sees) return;
    for (const operation of timeline.operations) {
      const { makes, needs, firstLevel, lastLevel } = operation;
      const makers = this.#makers.get(makes);
      if (makers) makers.push(operation);
      else if (makes >= 0) this.#makers.set(makes, [operation]);
      if (needs < 0 || lastLevel >= levels) continue;
      if (firstLevel >= (this.#needs.get(needs)?.firstLevel ?? 0)) {
        this.#needs.set(needs, { firstLevel, lastLevel });
      }
    }
    for (const makers of this.#makers.values()) makers.sort((a, b) => a.firstLevel - b.firstLevel);
  }

  /** The level up to which the state may not be left, since what starts there needs it; -1: it may be left. */
  heldUntil(state: number, level: number, open: SlotSet): number {
    const last = this.#needs.get(state);
    if (!last || last.firstLevel <= level) return -1;
    return this.#canBeMade(state, level, last.lastLevel, open) ? -1 : last.firstLevel;
  }

  /** Whether something that is due can never be placed. */
  isHopeless(state: number, level: number, due: readonly number[], open: SlotSet): boolean {
    if (!this.#sees) return false;
    const { transitions } = this.#timeline;
    const heldUntil = this.heldUntil(state, level, open);
    return due.some((index) => {
      const { classId, needs, lastLevel } = this.#timeline.operation(index);
      if (needs >= 0 && needs !== state && !this.#canBeMade(needs, level, lastLevel, open)) {
        return true;
      }
      return lastLevel < heldUntil && !transitions.next(state, classId).includes(state);
    });
  }

  /** Whether an operation that is open at the level or starts by the other can make the state. */
  #canBeMade(state: number, level: number, untilLevel: number, open: SlotSet): boolean {
    if (!this.#sees) return true;
    const makers = this.#makers.get(state) ?? [];
    if (makers.length > linearizabilityLimits.makersMax) return true;
    return makers.some(({ firstLevel, lastLevel, slot }) =>
      firstLevel > level ? firstLevel <= untilLevel : lastLevel >= level && hasSlot(open, slot),
    );
  }
}
