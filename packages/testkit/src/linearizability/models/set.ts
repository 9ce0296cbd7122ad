/**
 * setModel: a set of texts or numbers.
 */
import { canonicalText } from "../canonical-text.js";
import type { SequentialModel } from "../sequential-model.js";

type Element = string | number;

export type SetInput<E extends Element> =
  | { readonly type: "add" | "remove" | "has"; readonly element: E }
  | { readonly type: "elements" };

/** Whether an add or a remove changed the set, whether it has the element, or all its elements in any order. */
export type SetOutput<E extends Element> = boolean | readonly E[];

/** A set, empty at first. Adds and removes may leave open whether they changed it. */
export function setModel<E extends Element>(): SequentialModel<
  ReadonlySet<E>,
  SetInput<E>,
  SetOutput<E>
> {
  return {
    name: "set",
    initial: new Set(),
    step: (state, input, output) => stepSet(state, input, output),
    traits: (input, output) => {
      if (input.type === "elements" && Array.isArray(output)) {
        return { effect: "none", needs: { state: new Set<E>(output as readonly E[]) } };
      }
      const reads = input.type === "has" || input.type === "elements" || output === false;
      return { effect: reads ? "none" : "depends" };
    },
    describe: (input, output) => {
      const call = "element" in input ? `${input.type}(${input.element})` : `${input.type}()`;
      return output === undefined ? call : `${call} → ${canonicalText(output)}`;
    },
  };
}

function stepSet<E extends Element>(
  state: ReadonlySet<E>,
  input: SetInput<E>,
  output: SetOutput<E> | undefined,
): readonly ReadonlySet<E>[] {
  switch (input.type) {
    case "elements": {
      const right = Array.isArray(output) && sameElements(state, output);
      return output === undefined || right ? [state] : [];
    }
    case "has":
      return output === undefined || output === state.has(input.element) ? [state] : [];
    case "add":
    case "remove": {
      const changes = state.has(input.element) === (input.type === "remove");
      if (output !== undefined && output !== changes) return [];
      return [changes ? changed(state, input.type, input.element) : state];
    }
    default:
      return input satisfies never;
  }
}

function sameElements<E>(set: ReadonlySet<E>, elements: readonly E[]): boolean {
  return set.size === elements.length && elements.every((element) => set.has(element));
}

function changed<E>(set: ReadonlySet<E>, type: "add" | "remove", element: E): ReadonlySet<E> {
  const next = new Set(set);
  if (type === "add") next.add(element);
  else next.delete(element);
  return next;
}
