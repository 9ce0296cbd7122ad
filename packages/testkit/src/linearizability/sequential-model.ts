/**
 * SequentialModel: what an object would do if its operations came one after another.
 *
 * It is the definition of right that a history is held to. It is a relation, not a function: `step` gives every state
 * that may follow, so that an answer nobody saw (`output` undefined), or a choice the object is free to make, is one of
 * several next states, and an answer that cannot be is none.
 */

/**
 * What an operation with this output does to the state.
 *
 * - `"none"`: where it is possible at all, it leaves the state as it was (a read, a refused compare-and-set);
 * - `"overwrites"`: it is possible in every state, and afterwards the state is the same whatever it was (a plain write);
 * - `"depends"`: anything else.
 */
export type OperationEffect = "none" | "overwrites" | "depends";

/** What is known about an operation with this output, whatever the state. All of it only makes searches shorter. */
export interface OperationTraits<State> {
  readonly effect: OperationEffect;
  /**
   * The only state in which it is possible, if there is only one: what a read saw. With `output` undefined, the only
   * state that it changes: what a compare-and-set expected.
   */
  readonly needs?: { readonly state: State } | undefined;
  /** The only state that it changes the state to, if it changes it: what a write wrote. */
  readonly makes?: { readonly state: State } | undefined;
}

/** A sequential object. `State`, `Input` and `Output` are plain data unless `hash` says otherwise for states. */
export interface SequentialModel<State, Input, Output> {
  /** For reports. */
  readonly name: string;
  /** The state before any operation, of every key. */
  readonly initial: State;
  /**
   * Every state that may follow when the operation gave this output; empty when it cannot have. Pure; states are never
   * changed in place. With `output` undefined: every state that may follow under any output.
   */
  step(state: State, input: Input, output: Output | undefined): readonly State[];
  /**
   * What makes searches shorter by far for objects that are read and overwritten. What `step` contradicts is found out and
   * refused.
   *
   * @default nothing is known
   */
  traits?(input: Input, output: Output | undefined): OperationTraits<State>;
  /** The object that the operation is about. @default its `key` */
  key?(operation: { readonly key: string; readonly input: Input }): string;
  /** Equal texts for equal states. @default a canonical text of the state as plain data */
  hash?(state: State): string;
  /** Needed when different states may have one `hash`. @default states with one hash are equal */
  equals?(a: State, b: State): boolean;
  /** The operation as a reader wants to see it. @default its input and output as data */
  describe?(input: Input, output: Output | undefined): string;
}
