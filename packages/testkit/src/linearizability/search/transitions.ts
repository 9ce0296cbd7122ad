/**
 * Transitions: the model as numbers: states and operations are interned, and each step is asked for once.
 *
 * It also holds the model to what its `traits` say, for a search that relies on wrong ones would give a wrong verdict.
 */
import { invalidArgument } from "../../invalid-argument.js";
import { canonicalText } from "../canonical-text.js";
import { describedCall } from "../counterexample.js";
import { linearizabilityLimits } from "../limits.js";
import type { OperationEffect, SequentialModel } from "../sequential-model.js";

/** One kind of operation: equal input and equal output, so one step of the model. */
interface OperationClass<Input, Output> {
  readonly input: Input;
  readonly output: Output | undefined;
  readonly effect: OperationEffect;
  /** The only state in which it is possible, and the only one it changes the state to; -1: unknown. */
  readonly needs: number;
  readonly makes: number;
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
    const traits = this.#model.traits?.(input, output);
    const id =
      this.#classes.push({
        input,
        output,
        effect: traits?.effect ?? "depends",
        needs: traits?.needs ? this.#stateId(traits.needs.state) : -1,
        makes: traits?.makes ? this.#stateId(traits.makes.state) : -1,
        leadsTo: -1,
      }) - 1;
    this.#classIds.set(text, id);
    return id;
  }

  effectOf(classId: number): OperationEffect {
    return this.#class(classId).effect;
  }

  /** The number of the only state in which the class is possible or changes anything; -1: there may be several. */
  neededBy(classId: number): number {
    return this.#class(classId).needs;
  }

  /** The number of the only state that the class changes the state to; -1: there may be several, or it changes nothing. */
  madeBy(classId: number): number {
    return this.#class(classId).makes;
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
    this.#holdToTraits(stateId, this.#class(classId), ids);
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

  #holdToTraits(
    stateId: number,
    operation: OperationClass<Input, Output>,
    ids: readonly number[],
  ): void {
    const [first] = ids;
    const isNeedless = operation.needs < 0 || operation.needs === stateId;
    if (!isNeedless && ids.some((id) => operation.output !== undefined || id !== stateId)) {
      throw this.#wrongTraits(operation, "it is possible in a state that is not the one it needs");
    }
    if (operation.makes >= 0 && ids.some((id) => id !== operation.makes && id !== stateId)) {
      throw this.#wrongTraits(operation, "it leads to a state that is not the one it makes");
    }
    if (operation.effect === "none" && (ids.length > 1 || (first ?? stateId) !== stateId)) {
      throw this.#wrongTraits(operation, "it changes the state");
    }
    if (operation.effect !== "overwrites") return;
    if (ids.length !== 1 || first === undefined) {
      throw this.#wrongTraits(operation, `it leads to ${ids.length} states from one`);
    }
    if (operation.leadsTo >= 0 && operation.leadsTo !== first) {
      throw this.#wrongTraits(operation, "the state after it depends on the one before");
    }
    operation.leadsTo = first;
  }

  #wrongTraits(operation: OperationClass<Input, Output>, found: string): Error {
    const { input, output, effect } = operation;
    const shown = describedCall(this.#model, input, output);
    return invalidArgument(
      `traits() of the model "${this.#model.name}"`,
      `what step() does; they say "${effect}" of ${shown}`,
      found,
    );
  }
}
