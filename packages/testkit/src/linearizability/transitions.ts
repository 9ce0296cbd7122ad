/**
 * Transitions: the model as numbers: states and operations are interned, and each step is asked for once.
 *
 * It also holds the model to what its `effect` says, for a search that relies on a wrong one would give a wrong verdict.
 */
import { invalidArgument } from "../invalid-argument.js";
import { canonicalText } from "./canonical-text.js";
import { linearizabilityLimits } from "./limits.js";
import type { OperationEffect, SequentialModel } from "./sequential-model.js";

/** One kind of operation: equal input and equal output, so one step of the model. */
interface OperationClass<Input, Output> {
  readonly input: Input;
  readonly output: Output | undefined;
  readonly effect: OperationEffect;
  /** Where an operation that overwrites led to, once that is known. */
  leadsTo: number;
}

export class Transitions<State, Input, Output> {
  readonly #model: SequentialModel<State, Input, Output>;
  readonly #states: State[] = [];
  readonly #stateIds = new Map<string, number[]>();
  readonly #classes: OperationClass<Input, Output>[] = [];
  readonly #classIds = new Map<string, number>();
  readonly #steps = new Map<number, readonly number[]>();
  readonly initial: number;

  constructor(model: SequentialModel<State, Input, Output>) {
    this.#model = model;
    this.initial = this.#stateId(model.initial);
  }

  /** The number of an operation's class. All are asked for before the first `next`. */
  classOf(input: Input, output: Output | undefined): number {
    const text = `${canonicalText(input)} ${canonicalText(output)}`;
    const known = this.#classIds.get(text);
    if (known !== undefined) return known;
    const effect = this.#model.effect?.(input, output) ?? "depends";
    const id = this.#classes.push({ input, output, effect, leadsTo: -1 }) - 1;
    this.#classIds.set(text, id);
    return id;
  }

  effectOf(classId: number): OperationEffect {
    return this.#class(classId).effect;
  }

  state(id: number): State {
    return this.#states[id] as State;
  }

  /** The states that may follow, each once. */
  next(stateId: number, classId: number): readonly number[] {
    const step = stateId * this.#classes.length + classId;
    const known = this.#steps.get(step);
    if (known) return known;
    const { input, output } = this.#class(classId);
    const found = this.#model.step(this.state(stateId), input, output);
    const ids = [...new Set(found.map((state) => this.#stateId(state)))];
    this.#holdToEffect(stateId, this.#class(classId), ids);
    if (this.#steps.size >= linearizabilityLimits.transitionsMax) this.#steps.clear();
    this.#steps.set(step, ids);
    return ids;
  }

  #class(id: number): OperationClass<Input, Output> {
    return this.#classes[id] as OperationClass<Input, Output>;
  }

  #stateId(state: State): number {
    const hash = this.#model.hash ? this.#model.hash(state) : canonicalText(state);
    const candidates = this.#stateIds.get(hash);
    const equals = this.#model.equals?.bind(this.#model);
    for (const id of candidates ?? []) {
      if (!equals || equals(this.state(id), state)) return id;
    }
    const id = this.#states.push(state) - 1;
    if (candidates) candidates.push(id);
    else this.#stateIds.set(hash, [id]);
    return id;
  }

  #holdToEffect(
    stateId: number,
    operation: OperationClass<Input, Output>,
    ids: readonly number[],
  ): void {
    const [first] = ids;
    if (operation.effect === "none" && (ids.length > 1 || (first ?? stateId) !== stateId)) {
      throw this.#wrongEffect(operation, "it changes the state");
    }
    if (operation.effect !== "overwrites") return;
    if (ids.length !== 1 || first === undefined) {
      throw this.#wrongEffect(operation, `it leads to ${ids.length} states from one`);
    }
    if (operation.leadsTo >= 0 && operation.leadsTo !== first) {
      throw this.#wrongEffect(operation, "the state after it depends on the one before");
    }
    operation.leadsTo = first;
  }

  #wrongEffect(operation: OperationClass<Input, Output>, found: string): Error {
    const { input, output, effect } = operation;
    const shown =
      this.#model.describe?.(input, output) ?? `${canonicalText(input)} → ${canonicalText(output)}`;
    return invalidArgument(
      `effect() of the model "${this.#model.name}"`,
      `what step() does; it says "${effect}" of ${shown}`,
      found,
    );
  }
}
