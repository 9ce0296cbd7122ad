/**
 * localRef: a typed reference to a process of this very node.
 *
 * What the registry puts names and other nodes on top of, and what a test or an application
 * without a cluster uses as it is. Payloads and replies are passed, not copied: both sides see the
 * same object.
 *
 * Why no timer per call: most calls are answered before the event loop turns. Only those that are
 * not get entered into a queue of deadlines, which holds one timer, at the end of the turn.
 *
 * Invariants: a call settles once; ERR_TIMEOUT and ERR_ABORTED say that it did not run and never
 * will; once it began, giving up is ERR_OUTCOME_UNKNOWN.
 */
import { parseDuration } from "../duration.js";
import { coreErrors } from "../errors/errors.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { Clock } from "../ports/clock.js";
import { Deadlines, type Expiring } from "./deadlines.js";
import type { ProcessDefinition } from "./definition.js";
import type { CallOutcome, Delivery, DeliveryOutcome, Kernel, Pid } from "./kernel-port.js";
import { processLimits } from "./limits.js";
import type { CallOptions, ProcessRef } from "./typed-definition.js";

/** What `localRef` takes. */
export interface LocalRefOptions<D extends ProcessDefinition> {
  readonly kernel: Kernel;
  /** The clock the kernel runs on. */
  readonly clock: Clock;
  readonly definition: D;
  readonly pid: Pid;
}

/**
 * A typed reference to a local process. Making one never fails: whether the process still runs is
 * found out by each call.
 *
 * @example
 * ```ts
 * import { defineProcess, localRef, type Kernel, type Pid } from "@foundation/core"
 * import type { Clock } from "@foundation/core/ports"
 *
 * const adder = defineProcess({
 *   name: "docs.adder",
 *   init: () => ({ total: 0 }),
 *   call: { add: ({ state }, by: number) => (state.total += by) },
 * })
 * const addTwo = (kernel: Kernel, clock: Clock, pid: Pid): Promise<number> =>
 *   localRef({ kernel, clock, definition: adder, pid }).call("add", 2, { timeout: "1s" })
 * ```
 */
export function localRef<D extends ProcessDefinition>(options: LocalRefOptions<D>): ProcessRef<D> {
  return new LocalRef(options) as unknown as ProcessRef<D>;
}

class LocalRef {
  readonly definition: ProcessDefinition;
  readonly #kernel: Kernel;
  readonly #pid: Pid;
  readonly #deadlines: Deadlines;

  constructor({ kernel, clock, definition, pid }: LocalRefOptions<ProcessDefinition>) {
    this.definition = definition;
    this.#kernel = kernel;
    this.#pid = pid;
    this.#deadlines = deadlinesOf(clock);
  }

  call(handler: string, payload?: unknown, options: CallOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { timeout, signal } = options;
      const timeoutMs =
        timeout === undefined ? processLimits.callTimeoutMs : parseDuration(timeout, "timeout");
      const call = new LocalCall(this, handler, payload, signal, timeoutMs, resolve, reject);
      if (signal?.aborted) {
        call.giveUp("aborted");
        return;
      }
      this.#deadlines.watch(call);
      const outcome = this.#kernel.deliver(this.#pid, call);
      if (outcome !== "accepted") call.reply({ ok: false, error: this.#refused(outcome, handler) });
    });
  }

  cast(handler: string, payload?: unknown): void {
    const message: Delivery = {
      type: "cast",
      handler,
      payload,
      sender: undefined,
      trace: undefined,
    };
    this.#kernel.deliver(this.#pid, message);
  }

  get title(): string {
    return `${this.definition.name} (process ${this.#pid.serial} on ${this.#pid.node})`;
  }

  get deadlines(): Deadlines {
    return this.#deadlines;
  }

  #refused(outcome: Exclude<DeliveryOutcome, "accepted">, handler: string): FoundationError {
    const process = this.title;
    switch (outcome) {
      case "no-process":
        return coreErrors.ERR_NO_PROCESS(`${process} is not running: nothing was delivered`, {
          process,
        });
      case "mailbox-full": {
        const { limit, handlers } = this.definition.mailbox;
        const share = handlers?.[handler];
        const full =
          share === undefined
            ? `${limit} messages wait in the mailbox of ${process}`
            : `${limit} messages wait in the mailbox of ${process}, or ${share} for that handler`;
        return coreErrors.ERR_MAILBOX_FULL(`${full}: "${handler}" was not taken`, {
          process,
          limit: share ?? limit,
        });
      }
      case "unknown-handler": {
        const known = Object.keys(this.definition.call);
        return coreErrors.ERR_UNKNOWN_HANDLER(
          `${process} has no handler "${handler}" for calls; it has ${known.join(", ") || "none"}`,
          { definition: this.definition.name, handler, known },
        );
      }
      default:
        return outcome satisfies never;
    }
  }
}

/** One call, which is its own message: an object for each call, not five. */
class LocalCall implements Expiring {
  readonly type = "call";
  readonly sender = undefined;
  readonly trace = undefined;
  readonly handler: string;
  readonly payload: unknown;
  readonly signal: AbortSignal | undefined;
  readonly deadline: number;
  settled = false;
  queued = false;
  #hasBegun = false;
  readonly #ref: LocalRef;
  readonly #timeoutMs: number;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: FoundationError) => void;
  #onAbort: (() => void) | undefined = undefined;

  constructor(
    ref: LocalRef,
    handler: string,
    payload: unknown,
    signal: AbortSignal | undefined,
    timeoutMs: number,
    resolve: (value: unknown) => void,
    reject: (error: FoundationError) => void,
  ) {
    this.#ref = ref;
    this.handler = handler;
    this.payload = payload;
    this.signal = signal;
    this.#timeoutMs = timeoutMs;
    this.deadline = ref.deadlines.now() + timeoutMs;
    this.#resolve = resolve;
    this.#reject = reject;
    if (signal === undefined || signal.aborted) return;
    this.#onAbort = () => this.giveUp("aborted");
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  started(): void {
    this.#hasBegun = true;
  }

  reply(outcome: CallOutcome): void {
    if (this.settled) return;
    this.#settle();
    if (outcome.ok) this.#resolve(outcome.value);
    else this.#reject(outcome.error);
  }

  giveUp(reason: "aborted" | "deadline-exceeded"): void {
    if (this.settled) return;
    this.#settle();
    this.#giveUp(reason);
  }

  expire(): void {
    this.#giveUp("deadline-exceeded");
  }

  /** Rejects a call that is settled already. */
  #giveUp(reason: "aborted" | "deadline-exceeded"): void {
    this.#unlisten();
    const target = this.#ref.title;
    const why = reason === "aborted" ? "was given up" : `took more than ${this.#timeoutMs} ms`;
    const text = `The call "${this.handler}" of ${target} ${why}`;
    const cause = this.signal?.aborted ? this.signal.reason : undefined;
    if (this.#hasBegun) {
      const message = `${text} after it had begun: it may or may not take effect`;
      this.#reject(coreErrors.ERR_OUTCOME_UNKNOWN(message, { reason, target }, cause));
    } else if (reason === "aborted") {
      const message = `${text} before it had begun: it does not run`;
      this.#reject(coreErrors.ERR_ABORTED(message, { target }, cause));
    } else {
      const message = `${text} before it had begun: it does not run`;
      this.#reject(coreErrors.ERR_TIMEOUT(message, { timeoutMs: this.#timeoutMs, target }));
    }
  }

  #settle(): void {
    this.#ref.deadlines.settle(this);
    this.#unlisten();
  }

  #unlisten(): void {
    if (this.#onAbort !== undefined) this.signal?.removeEventListener("abort", this.#onAbort);
    this.#onAbort = undefined;
  }
}

/** References of one clock share its deadlines. */
const deadlinesByClock = new WeakMap<Clock, Deadlines>();

function deadlinesOf(clock: Clock): Deadlines {
  let deadlines = deadlinesByClock.get(clock);
  if (deadlines === undefined) deadlinesByClock.set(clock, (deadlines = new Deadlines(clock)));
  return deadlines;
}
