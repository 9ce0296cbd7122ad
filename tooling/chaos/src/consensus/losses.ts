/**
 * Losses: acknowledged writes that are not there at the end. The checker of histories finds them too, and says of which
 * operations nobody can make sense; this says it in the words people ask for.
 */
import type { HistoryOperation } from "@foundation/testkit";
import type { Input, Output } from "./messages.js";

type Operation = HistoryOperation<Input, Output>;

/** Keys whose last value is one that an acknowledged write had replaced before. */
export function lostWrites(operations: readonly Operation[]): readonly string[] {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const own = byKey.get(operation.key);
    if (own) own.push(operation);
    else byKey.set(operation.key, [operation]);
  }
  return [...byKey].filter(([, own]) => hasLost(own)).map(([key]) => key);
}

function hasLost(operations: readonly Operation[]): boolean {
  const reads = operations.filter(
    ({ input, endedAt }) => input.type === "get" && endedAt < Infinity,
  );
  const last = reads.toSorted((a, b) => a.startedAt - b.startedAt).at(-1);
  if (last === undefined) return false;
  const acknowledged = operations.filter(
    (each) => valueOf(each) !== undefined && isDone(each) && each.endedAt < last.startedAt,
  );
  const makers = operations.filter((each) => valueOf(each) === last.output);
  // Nobody made it: it was never there, or it comes from nowhere.
  if (makers.length === 0) return last.output !== null || acknowledged.length > 0;
  return makers.every(({ endedAt }) =>
    acknowledged.some((each) => valueOf(each) !== last.output && each.startedAt > endedAt),
  );
}

/** What it leaves behind when it is done; undefined for what changes nothing. */
function valueOf({ input }: Operation): string | null | undefined {
  if (input.type === "get") return undefined;
  return input.type === "delete" ? null : input.value;
}

function isDone({ input, output, endedAt }: Operation): boolean {
  return endedAt < Infinity && (input.type !== "compareAndSet" || output === true);
}
