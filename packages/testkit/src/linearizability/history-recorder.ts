/**
 * HistoryRecorder: writes down what clients ask and what they are told, as a history for the checker.
 *
 * The three outcomes are what matters. A client that was told "no" knows that nothing happened, and the operation is left
 * out; one that was told nothing does not know, and to treat that as "no" would call right systems wrong, to treat it as
 * "yes" wrong ones right. Moments of one recorder are strictly ordered, also where its clock stands still (virtual
 * time): what it was told first, happened first.
 */
import { isFoundationError } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import { invalidArgument } from "../invalid-argument.js";
import type { HistoryOperation } from "./history.js";
import { historyLine, type HistoryEvent } from "./history-lines.js";
import { linearizabilityLimits } from "./limits.js";

/** What a client asks. */
export interface Invocation<Input> {
  readonly process: string | number;
  /** The object it is about. */
  readonly key: string;
  readonly input: Input;
}

/** An operation under way. The first call tells how it ended; later ones do nothing. */
export interface OpenOperation<Output> {
  /** It was done, with this answer; `undefined` says nothing about it. */
  ok(output?: Output): void;
  /** It was not done and will not be. */
  notApplied(): void;
  /** It may have been done, or may yet be. So is one that is never ended. */
  unknown(): void;
}

export interface HistoryRecorderOptions {
  /** Whose time it is. Histories of several recorders belong together only with one clock. */
  readonly clock: Pick<Clock, "now">;
  /** Is given each line of `parseHistory`'s form at once, to be kept when the process dies. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** How many operations it takes. @default 1,000,000 */
  readonly operationsMax?: number | undefined;
}

export interface HistoryRecorder<Input, Output> {
  /**
   * Notes that an operation starts.
   *
   * @throws {ERR_INVALID_ARGUMENT} it has taken `operationsMax` operations
   */
  invoke(invocation: Invocation<Input>): OpenOperation<Output>;
  /**
   * Runs an operation and notes how it ends. A rejection whose error says `retryable` was not applied, for that says
   * that it may be sent again without running twice; any other leaves the outcome unknown.
   */
  record<O extends Output>(invocation: Invocation<Input>, run: () => Promise<O>): Promise<O>;
  /** The history so far. What is under way ended at `Infinity`. */
  operations(): readonly HistoryOperation<Input, Output>[];
}

/**
 * A recorder without operations.
 *
 * @example
 * ```ts
 * import { nodeClock } from "@foundation/core"
 * import { checkLinearizable, createHistoryRecorder, registerModel } from "@foundation/testkit"
 * import type { RegisterInput, RegisterOutput } from "@foundation/testkit"
 *
 * type Value = number | null
 * const recorder = createHistoryRecorder<RegisterInput<Value>, RegisterOutput<Value>>({ clock: nodeClock() })
 * const store = new Map([["x", 1]])
 * await recorder.record(
 *   { process: "client 1", key: "x", input: { type: "read" } },
 *   async () => store.get("x") ?? null,
 * )
 * const result = await checkLinearizable(recorder.operations(), registerModel<Value>(1))
 * ```
 */
export function createHistoryRecorder<Input, Output>(
  options: HistoryRecorderOptions,
): HistoryRecorder<Input, Output> {
  return new Recorder<Input, Output>(options);
}

class Recorder<Input, Output> implements HistoryRecorder<Input, Output> {
  readonly #clock: Pick<Clock, "now">;
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #operationsMax: number;
  readonly #operations = new Map<number, HistoryOperation<Input, Output>>();
  #started = 0;
  #latest = Number.NEGATIVE_INFINITY;

  constructor({ clock, onLine, operationsMax }: HistoryRecorderOptions) {
    this.#clock = clock;
    this.#onLine = onLine;
    this.#operationsMax = operationsMax ?? linearizabilityLimits.operationsMax;
  }

  invoke({ process, key, input }: Invocation<Input>): OpenOperation<Output> {
    if (this.#started >= this.#operationsMax) {
      const expected = `at most ${this.#operationsMax} operations (operationsMax)`;
      throw invalidArgument("A recorded history", expected, "one more");
    }
    const operation = (this.#started += 1);
    const at = this.#moment();
    const endedAt = Number.POSITIVE_INFINITY;
    this.#write({ type: "invoke", operation, process, key, input, at });
    this.#operations.set(operation, { process, key, input, startedAt: at, endedAt });
    let open = true;
    const end = (type: "ok" | "not-applied" | "unknown", output?: Output) => {
      if (!open) return;
      open = false;
      this.#end(type, operation, output);
    };
    return {
      ok: (output) => end("ok", output),
      notApplied: () => end("not-applied"),
      unknown: () => end("unknown"),
    };
  }

  async record<O extends Output>(invocation: Invocation<Input>, run: () => Promise<O>): Promise<O> {
    const operation = this.invoke(invocation);
    try {
      const output = await run();
      operation.ok(output);
      return output;
    } catch (error) {
      if (isFoundationError(error) && error.retryable) operation.notApplied();
      else operation.unknown();
      throw error;
    }
  }

  operations(): readonly HistoryOperation<Input, Output>[] {
    return [...this.#operations.values()];
  }

  #end(type: "ok" | "not-applied" | "unknown", operation: number, output?: Output): void {
    const at = this.#moment();
    const answer = output === undefined ? {} : { output };
    this.#write(type === "ok" ? { type, operation, ...answer, at } : { type, operation, at });
    if (type === "not-applied") this.#operations.delete(operation);
    const started = this.#operations.get(operation);
    if (type !== "ok" || !started) return;
    this.#operations.set(operation, { ...started, ...answer, endedAt: at });
  }

  #write(event: HistoryEvent): void {
    this.#onLine?.(historyLine(event));
  }

  /** Now, and later than any moment before: a nanosecond, or the least that a number can tell. */
  #moment(): number {
    const least = this.#latest + Math.max(1e-6, Math.abs(this.#latest) * 2 * Number.EPSILON);
    const now = this.#clock.now();
    this.#latest = now > this.#latest ? now : least;
    return this.#latest;
  }
}
