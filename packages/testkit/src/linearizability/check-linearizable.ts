/**
 * checkLinearizable: whether a history could have come from an object that does one operation at a time.
 *
 * Linearizability is local (Herlihy and Wing 1990): a history is linearizable when that of each object is. So keys are
 * searched one by one ("P-compositionality", Horn and Kröning 2015), in rounds of growing length, so that one hard key
 * does not hide a plain mistake in another. To decide is NP-complete, so there are three verdicts: a search may reach a
 * limit of time or of memory, and then says so.
 */
import {
  coreErrors,
  nodeClock,
  parseDuration,
  resolveLimits,
  type Duration,
} from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import { rendered } from "./counterexample.js";
import { validateHistory, type HistoryOperation } from "./history.js";
import { KeyCheck } from "./key-check.js";
import { linearizabilityLimits } from "./limits.js";
import type { SequentialModel } from "./sequential-model.js";

export interface LinearizabilityOptions {
  /** How long to search at most; then the verdict is unknown. @default "60s" */
  readonly timeLimit?: Duration | undefined;
  /** How many configurations to keep at most, of some 300 bytes each. @default 1,000,000 */
  readonly configurationsMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default Node's clock */
  readonly clock?: Pick<Clock, "now" | "endOfTurn"> | undefined;
}

/** What a check found. `ok` is `undefined` when a limit was reached before an answer. */
export type LinearizabilityResult<Input, Output> =
  | {
      readonly ok: true;
      /** For each key an order that explains all that was seen. */
      readonly linearization: ReadonlyMap<string, readonly HistoryOperation<Input, Output>[]>;
      /** How many configurations the searches kept: how hard it was. */
      readonly configurations: number;
    }
  | {
      readonly ok: false;
      readonly key: string;
      /** The longest order found: it explains every answer before the first of `unplaced`. */
      readonly partial: readonly HistoryOperation<Input, Output>[];
      /** First the operation whose answer is too much, then others under way that were not placed either. */
      readonly unplaced: readonly HistoryOperation<Input, Output>[];
      /** A few answers, if not all, that no order explains together, whatever the other answers were. */
      readonly contradiction: readonly HistoryOperation<Input, Output>[];
      /** All of it as text for a person. */
      readonly rendering: string;
      readonly configurations: number;
    }
  | {
      readonly ok: undefined;
      /** Which limit was reached, and what to do. */
      readonly unknown: string;
      readonly limit: "timeLimit" | "configurationsMax";
      /** The keys that are not decided; all others are linearizable. */
      readonly keys: readonly string[];
      readonly configurations: number;
    };

/**
 * Whether the history is linearizable with respect to the model.
 *
 * @throws {ERR_INVALID_ARGUMENT} an operation has impossible times, values are not plain data, or the model's `traits`
 *   are not what its `step` does
 * @throws {ERR_ABORTED} the signal fired
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict"
 * import { checkLinearizable, counterModel } from "@foundation/testkit"
 *
 * const add = { type: "add", amount: 1 } as const
 * const history = [
 *   { process: "a", key: "ids", input: add, output: 1, startedAt: 0, endedAt: 3 },
 *   { process: "b", key: "ids", input: add, output: 1, startedAt: 2, endedAt: 5 }, // the same number again
 * ]
 * const result = await checkLinearizable(history, counterModel())
 * assert.ok(result.ok === false)
 * console.log(result.rendering)
 * ```
 */
export async function checkLinearizable<State, Input, Output>(
  history: readonly HistoryOperation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
  options: LinearizabilityOptions = {},
): Promise<LinearizabilityResult<Input, Output>> {
  validateHistory(history);
  const operationsByKey = byKey(history, model);
  const keys = Array.from(operationsByKey, (entry) => new KeyCheck(entry[0], model, entry[1]));
  return new Check(model, keys, options).run();
}

function byKey<State, Input, Output>(
  history: readonly HistoryOperation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
): ReadonlyMap<string, readonly HistoryOperation<Input, Output>[]> {
  const keys = new Map<string, HistoryOperation<Input, Output>[]>();
  for (const operation of history) {
    const key = model.key?.(operation) ?? operation.key;
    const others = keys.get(key);
    if (others) others.push(operation);
    else keys.set(key, [operation]);
  }
  return keys;
}

class Check<State, Input, Output> {
  readonly #model: SequentialModel<State, Input, Output>;
  readonly #clock: Pick<Clock, "now" | "endOfTurn">;
  readonly #signal: AbortSignal | undefined;
  readonly #configurationsMax: number;
  readonly #endsAt: number;
  #yieldAt: number;
  /** Configurations in memory, but for those of searches that are over. */
  #kept = 0;
  readonly #keys: readonly KeyCheck<State, Input, Output>[];
  readonly #linearization = new Map<string, readonly HistoryOperation<Input, Output>[]>();

  constructor(
    model: SequentialModel<State, Input, Output>,
    keys: readonly KeyCheck<State, Input, Output>[],
    options: LinearizabilityOptions,
  ) {
    const { timeLimitMs } = linearizabilityLimits;
    const { configurationsMax } = options;
    this.#configurationsMax = resolveLimits(
      { configurationsMax: linearizabilityLimits.configurationsMax },
      { configurationsMax },
    ).configurationsMax;
    this.#model = model;
    this.#keys = keys;
    this.#clock = options.clock ?? nodeClock();
    this.#signal = options.signal;
    const now = this.#clock.now();
    this.#endsAt = now + parseDuration(options.timeLimit ?? timeLimitMs, "timeLimit");
    this.#yieldAt = now + linearizabilityLimits.yieldEveryMs;
  }

  async run(): Promise<LinearizabilityResult<Input, Output>> {
    let expansions: number = linearizabilityLimits.firstRoundExpansions;
    let undecided = this.#keys;
    for (; undecided.length > 0; expansions *= 4) {
      for (const check of undecided) {
        const inTime = await this.#search(check, expansions);
        if (check.status === "impossible") return this.#bad(check);
        if (check.status === "found") this.#linearization.set(check.key, check.takeOrder());
        if (!inTime) return this.#unknown("timeLimit");
      }
      undecided = undecided.filter(({ status }) => status === "searching");
    }
    if (this.#linearization.size < this.#keys.length) return this.#unknown("configurationsMax");
    const configurations = this.#configurations();
    return { ok: true, linearization: this.#linearization, configurations };
  }

  /** Gives one key's search its turn. False when the time is up. */
  async #search(check: KeyCheck<State, Input, Output>, expansions: number): Promise<boolean> {
    const { expansionsPerLook } = linearizabilityLimits;
    for (let left = expansions; left > 0; left -= expansionsPerLook) {
      if (!(await this.#isInTime())) return false;
      const keptBefore = check.kept;
      const status = check.run(Math.min(left, expansionsPerLook));
      this.#kept += (status === "searching" ? check.kept : 0) - keptBefore;
      if (status !== "searching") return true;
      if (this.#kept > this.#configurationsMax) this.#giveUpGreatest();
    }
    return true;
  }

  /** Looks at the clock and the signal, and lets other work of the process run from time to time. */
  async #isInTime(): Promise<boolean> {
    if (this.#signal?.aborted) throw aborted(this.#signal);
    const now = this.#clock.now();
    if (now >= this.#endsAt) return false;
    if (now < this.#yieldAt) return true;
    await new Promise<void>((resolve) => this.#clock.endOfTurn(resolve));
    this.#yieldAt = this.#clock.now() + linearizabilityLimits.yieldEveryMs;
    return true;
  }

  /** Keeps memory within its limit, at the price of not knowing about the hardest key. */
  #giveUpGreatest(): void {
    const greatest = this.#keys.reduce((a, b) => (b.kept > a.kept ? b : a));
    greatest.giveUp();
    this.#kept = this.#keys.reduce((sum, { kept }) => sum + kept, 0);
  }

  #bad(check: KeyCheck<State, Input, Output>): LinearizabilityResult<Input, Output> {
    const { key, operations } = check;
    const configurations = this.#configurations();
    const diagnosis = check.diagnosis();
    const { partial, unplaced, contradiction } = diagnosis;
    const rendering = rendered(key, operations, this.#model, diagnosis);
    return { ok: false, key, partial, unplaced, contradiction, rendering, configurations };
  }

  #unknown(limit: "timeLimit" | "configurationsMax"): LinearizabilityResult<Input, Output> {
    const undecided = this.#keys.filter(({ key }) => !this.#linearization.has(key));
    const keys = undecided.map(({ key }) => key);
    const configurations = this.#configurations();
    const what =
      limit === "timeLimit"
        ? "the time limit was reached"
        : `more than ${this.#configurationsMax} configurations would have to be kept`;
    const unknown =
      `Not decided for ${keys.length} keys: ${what}. Allow more (${limit}), or make histories easier: ` +
      "more keys, fewer clients a key, fewer operations without an answer";
    return { ok: undefined, unknown, limit, keys, configurations };
  }

  #configurations(): number {
    return this.#keys.reduce((sum, { configurations }) => sum + configurations, 0);
  }
}

function aborted(signal: AbortSignal): Error {
  return coreErrors.ERR_ABORTED(
    "The check of a history was aborted by its signal",
    { target: "checkLinearizable" },
    signal.reason,
  );
}
