/**
 * placedOrder: the order of operations that a search ended with, written out and checked against the model.
 *
 * A search leaves out what was overwritten at once; here it stands right before what overwrote it. What the search found
 * is not believed: the order is played through the model once more, and must keep to real time.
 */
import assert from "node:assert/strict";
import type { HistoryOperation } from "../history.js";
import type { Configuration } from "./key-search.js";
import type { Timeline } from "./timeline.js";

/** The operations, by their numbers in the timeline, in the order in which the configuration placed them. */
export function placedOrder<State, Input, Output>(
  timeline: Timeline<State, Input, Output>,
  configuration: Configuration,
): readonly number[] {
  const steps = stepsTo(configuration);
  const overwritten = overwrittenBefore(timeline, steps, configuration.level);
  return steps.flatMap(({ index }, at) => [...(overwritten.get(at) ?? []), index]);
}

interface Step {
  readonly index: number;
  readonly level: number;
}

function stepsTo(configuration: Configuration): readonly Step[] {
  const path: Configuration[] = [];
  for (let at: Configuration | undefined = configuration; at; at = at.parent) path.push(at);
  const steps: Step[] = [];
  for (const { placed, reads, parent } of path.reverse()) {
    const level = parent?.level ?? 0;
    if (placed >= 0) steps.push({ index: placed, level });
    steps.push(...reads.map((index) => ({ index, level })));
  }
  return steps;
}

/** What ended before the level without being placed, by the position of the step that overwrote it. */
function overwrittenBefore<State, Input, Output>(
  timeline: Timeline<State, Input, Output>,
  steps: readonly Step[],
  level: number,
): ReadonlyMap<number, readonly number[]> {
  const placed = new Set(steps.map(({ index }) => index));
  const overwriting = steps.flatMap(({ index, level: at }, position) =>
    timeline.operation(index).effect === "overwrites" ? [{ position, at }] : [],
  );
  const before = new Map<number, number[]>();
  for (const [index, { lastLevel, firstLevel }] of timeline.operations.entries()) {
    if (lastLevel >= level || placed.has(index)) continue;
    const by = firstFrom(overwriting, firstLevel);
    assert.ok(by !== undefined && by.at <= lastLevel, "what was not placed was overwritten");
    const others = before.get(by.position);
    if (others) others.push(index);
    else before.set(by.position, [index]);
  }
  return before;
}

/** The first at this level or later; they are ordered by level. */
function firstFrom<T extends { readonly at: number }>(ordered: readonly T[], level: number) {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] as T).at < level) low = middle + 1;
    else high = middle;
  }
  return ordered[low];
}

/** The states, by number, after each operation of an order; none from where the model does not allow it. */
export function statesAlong<State, Input, Output>(
  timeline: Timeline<State, Input, Output>,
  order: readonly number[],
): readonly (readonly number[])[] {
  const { transitions } = timeline;
  let states: readonly number[] = [transitions.initial];
  return order.map((index) => {
    const { classId } = timeline.operation(index);
    states = [...new Set(states.flatMap((state) => transitions.next(state, classId)))];
    return states;
  });
}

/** Whether no operation stands after one that started when it had ended. */
export function keepsRealTime(order: readonly HistoryOperation[]): boolean {
  let startedLatest = Number.NEGATIVE_INFINITY;
  for (const { startedAt, endedAt } of order) {
    if (endedAt < startedLatest) return false;
    startedLatest = Math.max(startedLatest, startedAt);
  }
  return true;
}
