/**
 * Diagnosis: of a key's history that is wrong, the least that shows it.
 *
 * First the history is cut: up to which answer is it right, and which one is too much? Then answers are taken away, as if
 * the client had not heard them, in halves, quarters, and so on (Zeller and Hildebrandt, "Simplifying and isolating
 * failure-inducing input", 2002), for as long as the rest is still wrong. What stays are answers that contradict one
 * another. All of it is bounded work, and what a bound leaves undecided is taken as right: so what is shown is wrong.
 */
import type { HistoryOperation } from "./history.js";
import { KeySearch, type Configuration, type SearchStatus } from "./search/key-search.js";
import { linearizabilityLimits } from "./limits.js";
import { placedOrder, statesAlong } from "./search/placed-order.js";
import type { SequentialModel } from "./sequential-model.js";
import { Timeline } from "./search/timeline.js";

export interface Diagnosis<State, Input, Output> {
  /** The longest order found that explains every answer before the one that is too much. */
  readonly partial: readonly HistoryOperation<Input, Output>[];
  /** The states that may follow each of them. */
  readonly statesAfter: readonly (readonly State[])[];
  /** First the one that is too much, then what was under way and not placed either. */
  readonly unplaced: readonly HistoryOperation<Input, Output>[];
  /** Answers that contradict one another, in order of their starts. */
  readonly contradiction: readonly HistoryOperation<Input, Output>[];
}

/**
 * @param timeline of a history that was found impossible
 * @param furthest where the search for it came to
 */
export function diagnose<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  timeline: Timeline<State, Input, Output>,
  furthest: Configuration,
): Diagnosis<State, Input, Output> {
  const work = { left: linearizabilityLimits.diagnosisWork };
  const { level, reached } = cut(timeline, furthest, work);
  const { ends } = timeline.level(level);
  const order = placedOrder(timeline, reached);
  const placed = new Set(order).add(ends);
  const others = [...timeline.operations.keys()].filter((index) => {
    const { firstLevel, lastLevel } = timeline.operation(index);
    return firstLevel <= level && lastLevel > level && !placed.has(index);
  });
  const operationsOf = (indexes: readonly number[]) =>
    indexes.map((index) => timeline.operation(index).operation);
  return {
    partial: operationsOf(order),
    statesAfter: statesAlong(timeline, order).map((states) =>
      states.map((state) => timeline.transitions.state(state)),
    ),
    unplaced: operationsOf([ends, ...others]),
    contradiction: contradiction(model, timeline, level, work),
  };
}

/** How much may still be done. */
interface Work {
  left: number;
}

function searched<State, Input, Output>(
  timeline: Timeline<State, Input, Output>,
  levels: number,
  work: Work,
): { readonly status: SearchStatus; readonly furthest: Configuration } {
  const search = new KeySearch(timeline, levels);
  for (let left = linearizabilityLimits.diagnosisExpansions; left > 0; left -= 128) {
    if (work.left <= 0 || search.run(128) !== "searching") break;
    work.left -= 128;
  }
  return search;
}

/** The first level whose end is too much, and how far an order comes without it. */
function cut<State, Input, Output>(
  timeline: Timeline<State, Input, Output>,
  furthest: Configuration,
  work: Work,
): { readonly level: number; readonly reached: Configuration } {
  let reached = furthest;
  // The search reached this level, so all before it is right; and it looks ahead, so the mistake is not far.
  let right = furthest.level;
  let wrong = timeline.levels.length;
  for (let step = 1; wrong - right > 1; step *= 2) {
    const middle = Math.min(right + step, right + ((wrong - right) >> 1));
    const search = searched(timeline, middle, work);
    if (search.status === "impossible") {
      wrong = middle;
      step = 1;
      continue;
    }
    right = middle;
    if (search.status === "found") reached = search.furthest;
  }
  return { level: wrong - 1, reached };
}

function contradiction<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  timeline: Timeline<State, Input, Output>,
  level: number,
  work: Work,
): readonly HistoryOperation<Input, Output>[] {
  const before = timeline.operations.filter(({ firstLevel }) => firstLevel <= level);
  const answered = before.filter(({ lastLevel }) => lastLevel <= level);
  const unanswered = before.filter((operation) => !answered.includes(operation));
  const silent = unanswered.map(({ operation }) => withoutAnswer(operation));
  let heard = answered.map(({ operation }) => operation);
  const isWrongWithout = (from: number, to: number) => {
    const unheard = heard.slice(from, to).map((operation) => withoutAnswer(operation));
    const rest = [...heard.slice(0, from), ...heard.slice(to), ...silent, ...unheard];
    work.left -= rest.length;
    if (work.left <= 0) return false;
    const weaker = new Timeline(model, rest);
    if (searched(weaker, weaker.levels.length, work).status !== "impossible") return false;
    silent.push(...unheard);
    return true;
  };
  for (let size = heard.length >> 1; size >= 1; size >>= 1) {
    // From the end, so that what is shown is the beginning of a trouble.
    for (let to = heard.length; to > 0; to -= size) {
      const from = Math.max(0, to - size);
      if (isWrongWithout(from, to)) heard = [...heard.slice(0, from), ...heard.slice(to)];
    }
  }
  return heard.sort((a, b) => a.startedAt - b.startedAt);
}

function withoutAnswer<Input, Output>({
  process,
  key,
  input,
  startedAt,
}: HistoryOperation<Input, Output>): HistoryOperation<Input, Output> {
  return { process, key, input, startedAt, endedAt: Number.POSITIVE_INFINITY };
}
