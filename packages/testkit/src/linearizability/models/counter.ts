/**
 * counterModel: a number that is added to and read; with the answers of `add`, a sequence that gives each number once.
 */
import type { SequentialModel } from "../sequential-model.js";

export type CounterInput =
  | { readonly type: "get" }
  | { readonly type: "add"; readonly amount: number };

/** A counter. The output of an add, where there is one, is the number after it. @param initial @default 0 */
export function counterModel(initial = 0): SequentialModel<number, CounterInput, number> {
  return {
    name: "counter",
    initial,
    step: (state, input, output) => {
      const after = input.type === "add" ? state + input.amount : state;
      return output === undefined || output === after ? [after] : [];
    },
    traits: (input, output) => {
      const effect = input.type === "get" ? "none" : "depends";
      if (output === undefined) return { effect };
      if (input.type === "get") return { effect, needs: { state: output } };
      return { effect, needs: { state: output - input.amount }, makes: { state: output } };
    },
    describe: (input, output) => {
      const call = input.type === "add" ? `add(${input.amount})` : "get()";
      return output === undefined ? call : `${call} → ${output}`;
    },
  };
}
