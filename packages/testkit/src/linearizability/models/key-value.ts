/**
 * keyValueModel: one key of a store, which may be absent.
 *
 * Keys are independent objects here, so a history of many keys is checked key by key. A store with transactions over
 * several keys is one object: give the model of it a `key` that is the same for all.
 */
import { canonicalText, sameValue } from "../canonical-text.js";
import type { OperationTraits, SequentialModel } from "../sequential-model.js";

/** `null` stands for an absent key: `expected: null` sets only what is not there, `value: null` removes. */
export type KeyValueInput<V> =
  | { readonly type: "get" }
  | { readonly type: "put"; readonly value: V }
  | { readonly type: "delete" }
  | {
      readonly type: "compareAndSet";
      readonly expected: V | null;
      readonly value: V | null;
    };

/** The value or `null` for a get, whether it was set for a compare-and-set, for a delete whether there was a value. */
export type KeyValueOutput<V> = V | boolean | null;

/** A key of a store, absent at first. A put answers nothing; a delete may leave open whether there was a value. */
export function keyValueModel<V>(): SequentialModel<V | null, KeyValueInput<V>, KeyValueOutput<V>> {
  return {
    name: "key-value",
    initial: null,
    step: (state, input, output) => stepKey(state, input, output),
    traits: (input, output) => traitsOf(input, output),
    describe: describeKey,
  };
}

function stepKey<V>(
  state: V | null,
  input: KeyValueInput<V>,
  output: KeyValueOutput<V> | undefined,
): readonly (V | null)[] {
  switch (input.type) {
    case "get":
      return output === undefined || sameValue(state, output) ? [state] : [];
    case "put":
      return [input.value];
    case "delete":
      return output === undefined || output === (state !== null) ? [null] : [];
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
  input: KeyValueInput<V>,
  output: KeyValueOutput<V> | undefined,
): OperationTraits<V | null> {
  switch (input.type) {
    case "get":
      return { effect: "none", needs: output === undefined ? undefined : { state: output as V } };
    case "put":
      return { effect: "overwrites", makes: { state: input.value } };
    case "delete":
      if (output === false) return { effect: "none", needs: { state: null } };
      return { effect: output ? "depends" : "overwrites", makes: { state: null } };
    case "compareAndSet":
      if (output === false) return { effect: "none" };
      return {
        effect: "depends",
        makes: { state: input.value },
        needs: { state: input.expected },
      };
    default:
      return input satisfies never;
  }
}

function describeKey<V>(input: KeyValueInput<V>, output: KeyValueOutput<V> | undefined): string {
  const answer = output === undefined ? "" : ` → ${canonicalText(output)}`;
  switch (input.type) {
    case "get":
    case "delete":
      return `${input.type}()${answer}`;
    case "put":
      return `put(${canonicalText(input.value)})${answer}`;
    case "compareAndSet": {
      const both = `${canonicalText(input.expected)}, ${canonicalText(input.value)}`;
      return `compareAndSet(${both})${answer}`;
    }
    default:
      return input satisfies never;
  }
}
