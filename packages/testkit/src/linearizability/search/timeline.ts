/**
 * Timeline: the operations of one key, laid out for a search.
 *
 * The search goes from answer to answer (Lowe 2017, "Testing for linearizability", §"just-in-time"): each operation that
 * ended is a *level*, in order of their ends, with the operations that started since the level before. An operation
 * holds a *slot* from its start to its end, so sets of operations are as small as the history is concurrent; one
 * without an answer holds its slot for ever. A cursor knows who holds each slot at the level that the search looks at.
 */
import type { HistoryOperation } from "../history.js";
import type { OperationEffect, SequentialModel } from "../sequential-model.js";
import { Transitions } from "./transitions.js";

/** One operation in the timeline. */
export interface TimelineOperation<Input, Output> {
  readonly operation: HistoryOperation<Input, Output>;
  readonly classId: number;
  readonly effect: OperationEffect;
  /** The only state in which placing it is possible and of use; -1: there may be several. */
  readonly needs: number;
  /** The only state that it changes the state to; -1: there may be several, or none. */
  readonly makes: number;
  /** Whether it must have taken effect, since it ended. */
  readonly ended: boolean;
  readonly slot: number;
  /** The first and the last level at which it is open; `Infinity` when it did not end. */
  readonly firstLevel: number;
  readonly lastLevel: number;
  /** Who held the slot before it, or -1. */
  readonly slotBefore: number;
}

/** The end of an operation, and what started since the end before. */
export interface Level {
  readonly ends: number;
  readonly started: readonly number[];
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

export class Timeline<State, Input, Output> {
  readonly transitions: Transitions<State, Input, Output>;
  readonly operations: TimelineOperation<Input, Output>[] = [];
  readonly levels: Level[] = [];
  /** How many 32-bit words a set of slots has. */
  readonly words: number;
  readonly #holders: number[] = [];
  #cursor = -1;

  constructor(
    model: SequentialModel<State, Input, Output>,
    history: readonly HistoryOperation<Input, Output>[],
  ) {
    this.transitions = new Transitions(model);
    for (const operation of history) this.#addOperation(operation);
    this.#layOut();
    this.words = Math.max(1, Math.ceil(this.#holders.length / 32));
  }

  /** Who holds the slot at the level of the cursor. */
  holder(slot: number): number {
    return this.#holders[slot] as number;
  }

  operation(index: number): TimelineOperation<Input, Output> {
    return this.operations[index] as TimelineOperation<Input, Output>;
  }

  level(index: number): Level {
    return this.levels[index] as Level;
  }

  /** Puts the cursor at a level: what had started by then holds its slot. */
  moveTo(level: number): void {
    for (; this.#cursor < level; this.#cursor += 1) {
      for (const index of this.level(this.#cursor + 1).started) {
        this.#holders[this.operation(index).slot] = index;
      }
    }
    for (; this.#cursor > level; this.#cursor -= 1) {
      // Each slot once: it can only change hands by an end, which begins a new level.
      for (const index of this.level(this.#cursor).started) {
        const { slot, slotBefore } = this.operation(index);
        this.#holders[slot] = slotBefore;
      }
    }
  }

  #addOperation(operation: HistoryOperation<Input, Output>): void {
    const ended = operation.endedAt !== Number.POSITIVE_INFINITY;
    const output = ended ? operation.output : undefined;
    const classId = this.transitions.classOf(operation.input, output);
    const effect = this.transitions.effectOf(classId);
    // An operation that may be left out, and changes nothing, is never needed.
    if (!ended && effect === "none") return;
    // What ended with an answer that says nothing must be placed also where it changes nothing.
    const isPicky = !ended || output !== undefined;
    const needs = isPicky ? this.transitions.neededBy(classId) : -1;
    const makes = this.transitions.madeBy(classId);
    const levels = { firstLevel: 0, lastLevel: Number.POSITIVE_INFINITY };
    this.operations.push({
      operation,
      classId,
      effect,
      needs,
      makes,
      ended,
      slot: -1,
      slotBefore: -1,
      ...levels,
    });
  }

  #layOut(): void {
    const free: number[] = [];
    let started: number[] = [];
    for (const { index, isEnd } of this.#edges()) {
      const placed: Mutable<TimelineOperation<Input, Output>> = this.operation(index);
      if (isEnd) {
        placed.lastLevel = this.levels.push({ ends: index, started }) - 1;
        free.push(placed.slot);
        started = [];
      } else {
        placed.slot = free.pop() ?? this.#holders.push(-1) - 1;
        placed.firstLevel = this.levels.length;
        placed.slotBefore = this.holder(placed.slot);
        this.#holders[placed.slot] = index;
        started.push(index);
      }
    }
    // What started after the last end is seen by nobody. The cursor stands before the first level.
    this.#holders.fill(-1);
  }

  /** Starts and ends in order of time; at one instant starts come first, for equal times are concurrent. */
  #edges(): { readonly index: number; readonly isEnd: boolean; readonly at: number }[] {
    const edges = this.operations.flatMap(({ operation, ended }, index) => {
      const start = { index, isEnd: false, at: operation.startedAt };
      return ended ? [start, { index, isEnd: true, at: operation.endedAt }] : [start];
    });
    return edges.sort(
      (a, b) => a.at - b.at || Number(a.isEnd) - Number(b.isEnd) || a.index - b.index,
    );
  }
}
