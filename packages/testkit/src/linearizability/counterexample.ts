/**
 * Counterexample: why a key's history is not linearizable, for a person to read.
 *
 * The search proved that no order reaches past the end of one operation. Shown are the longest order it found up to there,
 * with the state after each step, what could not be placed, and the states the object may have been in at that moment.
 */
import { canonicalText } from "./canonical-text.js";
import type { HistoryOperation } from "./history.js";
import { linearizabilityLimits } from "./limits.js";
import type { SequentialModel } from "./sequential-model.js";

export interface Counterexample<State, Input, Output> {
  readonly key: string;
  readonly model: SequentialModel<State, Input, Output>;
  /** How many operations the key's history has. */
  readonly operations: number;
  readonly partial: readonly HistoryOperation<Input, Output>[];
  /** The states that may follow each of them. */
  readonly statesAfter: readonly (readonly State[])[];
  /** First the one whose answer no order explains, then others that had started and were not placed either. */
  readonly unplaced: readonly HistoryOperation<Input, Output>[];
  /** The states at the moment when the first of them would have to be placed. */
  readonly states: readonly State[];
}

/** The counterexample as lines of text. */
export function rendered<State, Input, Output>(
  found: Counterexample<State, Input, Output>,
): string {
  const { key, model, partial, unplaced, operations } = found;
  const [stuck, ...others] = unplaced;
  const line = (operation: HistoryOperation<Input, Output>) => describe(model, operation);
  const lines = [
    `Key "${key}" is not linearizable as a ${model.name} (${operations} operations).`,
    `No order of what had started by then explains:`,
    ...(stuck ? [`  ${line(stuck)}`] : []),
    `because the ${model.name} could only be in: ${stateTexts(found)}`,
    ...(others.length > 0 ? ["Under way at that moment and not placed either:"] : []),
    ...limited(others.map((operation) => `  ${line(operation)}`)),
    `The longest order found (${partial.length} operations):`,
    ...orderLines(found),
  ];
  return lines.join("\n");
}

function orderLines<State, Input, Output>(
  found: Counterexample<State, Input, Output>,
): readonly string[] {
  const { model, partial, statesAfter } = found;
  const shownFrom = Math.max(0, partial.length - linearizabilityLimits.renderedOperationsMax);
  const shown = partial.slice(shownFrom).map((operation, at) => {
    const position = shownFrom + at;
    const after = (statesAfter[position] ?? [])
      .map((state) => stateText(model, state))
      .join(" or ");
    return `  ${String(position + 1)}. ${describe(model, operation)}  ⇒ ${after}`;
  });
  const start = `  at first: ${stateText(model, model.initial)}`;
  return shownFrom > 0 ? [`  … ${shownFrom} before`, ...shown] : [start, ...shown];
}

function stateTexts<State, Input, Output>(found: Counterexample<State, Input, Output>): string {
  const { states, model } = found;
  const max = linearizabilityLimits.renderedStatesMax;
  const texts = states.slice(0, max).map((state) => stateText(model, state));
  const more = states.length > max ? ` and ${states.length - max} more` : "";
  return texts.join(" or ") + more;
}

function stateText<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  state: State,
): string {
  return model.hash ? model.hash(state) : canonicalText(state);
}

function limited(lines: readonly string[]): readonly string[] {
  const max = linearizabilityLimits.renderedOperationsMax;
  return lines.length > max ? [...lines.slice(0, max), `  … ${lines.length - max} more`] : lines;
}

function describe<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  { process, input, output, startedAt, endedAt }: HistoryOperation<Input, Output>,
): string {
  const unknown = endedAt === Number.POSITIVE_INFINITY;
  const call = model.describe?.(input, unknown ? undefined : output) ?? plain(input, output);
  const end = unknown ? "never answered" : `${milliseconds(endedAt)} ms`;
  return `${process}: ${call}  [${milliseconds(startedAt)} … ${end}]`;
}

function plain(input: unknown, output: unknown): string {
  return output === undefined
    ? canonicalText(input)
    : `${canonicalText(input)} → ${canonicalText(output)}`;
}

function milliseconds(time: number): string {
  return String(Math.round(time * 1_000) / 1_000);
}
