/**
 * KeyCheck: the check of one key, from its operations to its verdict. It holds what a search needs only while it searches,
 * so that a history of many keys needs the memory of the hard ones.
 */
import assert from "node:assert/strict";
import { diagnose, type Diagnosis } from "./diagnosis.js";
import type { HistoryOperation } from "./history.js";
import { KeySearch, type SearchStatus } from "./search/key-search.js";
import { keepsRealTime, placedOrder, statesAlong } from "./search/placed-order.js";
import { Timeline } from "./search/timeline.js";
import type { SequentialModel } from "./sequential-model.js";

export class KeyCheck<State, Input, Output> {
  readonly key: string;
  readonly #model: SequentialModel<State, Input, Output>;
  readonly #history: readonly HistoryOperation<Input, Output>[];
  #timeline: Timeline<State, Input, Output> | undefined;
  #search: KeySearch<State, Input, Output> | undefined;
  #status: SearchStatus = "searching";
  #kept = 0;

  constructor(
    key: string,
    model: SequentialModel<State, Input, Output>,
    history: readonly HistoryOperation<Input, Output>[],
  ) {
    this.key = key;
    this.#model = model;
    this.#history = history;
  }

  get operations(): number {
    return this.#history.length;
  }

  get status(): SearchStatus {
    return this.#status;
  }

  /** How many configurations its search keeps, or kept until it was over. */
  get configurations(): number {
    return this.#search?.kept ?? this.#kept;
  }

  /** How many configurations are in memory for it; those with great sets count as several. */
  get kept(): number {
    const wordsPerUnit = 4;
    const units = 1 + Math.floor((this.#timeline?.words ?? 0) / wordsPerUnit);
    return (this.#search?.kept ?? 0) * units;
  }

  /** Searches on for at most so many expansions. */
  run(expansions: number): SearchStatus {
    if (this.#status !== "searching") return this.#status;
    this.#timeline ??= new Timeline(this.#model, this.#history);
    this.#search ??= new KeySearch(this.#timeline);
    this.#status = this.#search.run(expansions);
    return this.#status;
  }

  /** Ends the check without a verdict, for the sake of memory. */
  giveUp(): void {
    this.#status = "given-up";
    this.#release();
  }

  /** The order that was found, once. */
  takeOrder(): readonly HistoryOperation<Input, Output>[] {
    const { timeline, search } = this.#over("found");
    const order = placedOrder(timeline, search.furthest);
    const operations = order.map((index) => timeline.operation(index).operation);
    const states = statesAlong(timeline, order).at(-1);
    assert.ok(states === undefined || states.length > 0, "the model allows the order found");
    assert.ok(keepsRealTime(operations), "the order found keeps to real time");
    this.#release();
    return operations;
  }

  /** Why there is no order. */
  diagnosis(): Diagnosis<State, Input, Output> {
    const { timeline, search } = this.#over("impossible");
    return diagnose(this.#model, timeline, search.furthest);
  }

  #over(status: SearchStatus) {
    const timeline = this.#timeline;
    const search = this.#search;
    assert.ok(this.#status === status && timeline && search, `the search is over: ${status}`);
    return { timeline, search };
  }

  #release(): void {
    this.#kept = this.configurations;
    this.#search = undefined;
    this.#timeline = undefined;
  }
}
