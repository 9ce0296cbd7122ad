/**
 * registerModel: one value that is read, written and compared-and-set.
 */
import { canonicalText, sameValue } from "../canonical-text.js";
import type { OperationTraits, SequentialModel } from "../sequential-model.js";

export type RegisterInput<V> =
  | { readonly type: "read" }
  | { readonly type: "write"; readonly value: V }
  | { readonly type: "compareAndSet"; readonly expected: V; readonly value: V };

/** The value for a read, whether it was set for a compare-and-set, nothing for a write. */
export type RegisterOutput<V> = V | boolean;

/**
 * A register.
 *
 * @param initial its value before the first write
 *
 * @example
 * ```ts
 * import { checkLinearizable, registerModel } from "@foundation/testkit"
 *
 * const history = [
 *   { process: "a", key: "x", input: { type: "write", value: 1 }, startedAt: 0, endedAt: 10 },
 *   { process: "b", key: "x", input: { type: "read" }, output: null, startedAt: 11, endedAt: 12 },
 * ] as const
 * const { ok } = await checkLinearizable(history, registerModel<number | null>(null)) // false: a stale read
 * ```
 */
export function registerModel<V>(
  initial: V,
): SequentialModel<V, RegisterInput<V>, RegisterOutput<V>> {
  return {
    name: "register",
    initial,
    step: (state, input, output) => stepRegister(state, input, output),
    traits: (input, output) => traitsOf(input, output),
    describe: describeRegister,
  };
}

function stepRegister<V>(
  state: V,
  input: RegisterInput<V>,
  output: RegisterOutput<V> | undefined,
): readonly V[] {
  switch (input.type) {
    case "read":
      return output === undefined || sameValue(state, output) ? [state] : [];
    case "write":
      return [input.value];
    case "compareAndSet": {
      const matches = sameValue(state, input.expected);
      if (output !== undefined && output !== matches) return [];
      return [matches ? input.value : state];
    }
    default:
      return input satisfies never;
  }
}

function traitsOf<V>(
  input: RegisterInput<V>,
  output: RegisterOutput<V> | undefined,
): OperationTraits<V> {
  if (input.type === "read") {
    return { effect: "none", needs: output === undefined ? undefined : { state: output as V } };
  }
  const makes = { state: input.value };
  if (input.type === "write") return { effect: "overwrites", makes };
  if (output === false) return { effect: "none" };
  return { effect: "depends", makes, needs: { state: input.expected } };
}

function describeRegister<V>(
  input: RegisterInput<V>,
  output: RegisterOutput<V> | undefined,
): string {
  const answer = output === undefined ? "" : ` → ${canonicalText(output)}`;
  switch (input.type) {
    case "read":
      return `read()${answer}`;
    case "write":
      return `write(${canonicalText(input.value)})${answer}`;
    case "compareAndSet": {
      const both = `${canonicalText(input.expected)}, ${canonicalText(input.value)}`;
      return `compareAndSet(${both})${answer}`;
    }
    default:
      return input satisfies never;
  }
}
