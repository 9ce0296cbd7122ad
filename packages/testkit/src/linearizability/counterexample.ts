/**
 * Counterexample: why a key's history is not linearizable, for a person to read.
 */
import { canonicalText } from "./canonical-text.js";
import type { Diagnosis } from "./diagnosis.js";
import type { HistoryOperation } from "./history.js";
import { linearizabilityLimits } from "./limits.js";
import type { SequentialModel } from "./sequential-model.js";

/** The diagnosis as lines of text. */
export function rendered<State, Input, Output>(
  key: string,
  operations: number,
  model: SequentialModel<State, Input, Output>,
  found: Diagnosis<State, Input, Output>,
): string {
  const { contradiction, partial, unplaced } = found;
  const [stuck, ...others] = unplaced;
  const indented = (shown: readonly HistoryOperation<Input, Output>[]) =>
    limited(shown.map((operation) => `  ${describe(model, operation)}`));
  const lines = [
    `Key "${key}" is not linearizable as a ${model.name} (${counted(operations)}).`,
    "No order explains these answers together, whatever was answered otherwise:",
    ...indented(contradiction),
    "The history is right until this answer:",
    ...indented(stuck ? [stuck] : []),
    ...(others.length > 0 ? ["Under way at that moment, and not placed either:"] : []),
    ...indented(others),
    `An order that explains everything before it (${counted(partial.length)}):`,
    ...orderLines(model, found),
  ];
  return lines.join("\n");
}

function orderLines<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  { partial, statesAfter }: Diagnosis<State, Input, Output>,
): readonly string[] {
  const shownFrom = Math.max(0, partial.length - linearizabilityLimits.renderedOperationsMax);
  const shown = partial.slice(shownFrom).map((operation, at) => {
    const position = shownFrom + at;
    const after = (statesAfter[position] ?? []).map((state) => stateText(model, state));
    return `  ${position + 1}. ${describe(model, operation)}  ⇒ ${after.join(" or ")}`;
  });
  const start = `  at first: ${stateText(model, model.initial)}`;
  return [shownFrom > 0 ? `  … ${shownFrom} before` : start, ...shown];
}

function stateText<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  state: State,
): string {
  return model.hash ? model.hash(state) : canonicalText(state);
}

function limited(lines: readonly string[]): readonly string[] {
  const max = linearizabilityLimits.renderedOperationsMax;
  if (lines.length <= max) return lines;
  return [...lines.slice(0, max), `  … ${lines.length - max} more`];
}

function describe<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  { process, input, output, startedAt, endedAt }: HistoryOperation<Input, Output>,
): string {
  const isAnswered = endedAt !== Number.POSITIVE_INFINITY;
  const call = describedCall(model, input, isAnswered ? output : undefined);
  const end = isAnswered ? `${milliseconds(endedAt)} ms` : "not answered";
  return `${process}: ${call}  [${milliseconds(startedAt)} … ${end}]`;
}

/** An operation as the model, or else its data, tells it. */
export function describedCall<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  input: Input,
  output: Output | undefined,
): string {
  if (model.describe) return model.describe(input, output);
  const answer = output === undefined ? "" : ` → ${canonicalText(output)}`;
  return canonicalText(input) + answer;
}

function counted(operations: number): string {
  return operations === 1 ? "1 operation" : `${operations} operations`;
}

function milliseconds(time: number): string {
  return String(Math.round(time * 1_000) / 1_000);
}
