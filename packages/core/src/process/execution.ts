/**
 * Execution: runs handlers of all processes of a node, one message at a time in each.
 *
 * A handler that returns no promise is answered at once: no timer, no promise and no listener is
 * made for its message. A handler that never settles keeps only its own process busy.
 *
 * Invariants: `process.current` is what runs in a process; whoever finds that it is no longer its
 * own has been overtaken by the process's end and changes nothing.
 */
import { runWithTrace } from "../context/trace-scope.js";
import { isFoundationError, type FoundationError } from "../errors/foundation-error.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { Runtime } from "../ports/runtime.js";
import type { AnyHandler, HandlerMap } from "./definition.js";
import { Ending } from "./ending.js";
import type { CallOutcome, Delivery, DeliveryOutcome, ExitReason } from "./kernel-port.js";
import { KernelCounters } from "./kernel-counters.js";
import {
  crashed,
  initFailed,
  notStarted,
  notWanted,
  selfCall,
  startAborted,
  told,
} from "./kernel-errors.js";
import type { KernelLimits } from "./limits.js";
import type { LocalProcess } from "./local-process.js";
import { MessageContext, type Surroundings } from "./message-context.js";
import { isOrderly } from "./protocol/links.js";
import { Turns } from "./turns.js";

type Call = Extract<Delivery, { type: "call" }>;

export class Execution implements Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: KernelCounters;
  readonly ending: Ending;
  readonly #limits: KernelLimits;
  readonly #turns: Turns<LocalProcess>;
  /** Whose handler is on the stack, up to its first await: a call to itself would wait for ever. */
  #onStack: LocalProcess | undefined = undefined;

  constructor(runtime: Pick<Runtime, "clock" | "logger" | "meter">, limits: KernelLimits) {
    this.clock = runtime.clock;
    this.logger = runtime.logger;
    this.#limits = limits;
    this.counters = new KernelCounters(runtime.meter);
    const ask = (process: LocalProcess, reason: ExitReason) => this.exit(process, reason);
    this.ending = new Ending(runtime.logger, this.counters, limits, ask);
    this.#turns = new Turns(runtime.clock, limits, {
      runBatch: (process) => this.#runBatch(process),
      afterTurn: () => this.counters.flush(),
    });
  }

  /** Puts a message into a mailbox, or says why not. */
  accept(process: LocalProcess, message: Delivery): DeliveryOutcome {
    if (process.exitReason !== undefined) return "no-process";
    if (handlerFor(process, message) === undefined) {
      this.counters.dropped("unknown-handler");
      return "unknown-handler";
    }
    if (message.type === "call" && this.#callsItself(process, message)) {
      this.ending.later(() => this.ending.answer(message, failure(selfCall(process, message))));
      return "accepted";
    }
    if (process.mailbox.full && !this.#makeRoom(process)) {
      this.counters.dropped("mailbox-full");
      return "mailbox-full";
    }
    process.mailbox.push(message);
    this.#wake(process);
    return "accepted";
  }

  /** Runs `init`; settles when the process is ready or did not start. */
  start(process: LocalProcess, args: unknown, signal: AbortSignal | undefined): Promise<void> {
    this.ending.processes.set(process.pid.serial, process);
    const context = new MessageContext(process, undefined, this);
    process.current = context;
    return new Promise((resolve, reject) => {
      const onAbort = () => this.ending.end(process, { type: "killed" });
      const settle = () => {
        signal?.removeEventListener("abort", onAbort);
        process.failStart = undefined;
      };
      process.failStart = (reason) => {
        settle();
        const aborted = signal?.aborted === true && reason.type === "killed";
        reject(
          aborted ? startAborted(process.definition.name, signal) : notStarted(process, reason),
        );
      };
      const ready = (state: unknown) => {
        if (process.current !== context) return;
        settle();
        process.state = state;
        this.counters.started();
        this.#finished(process, context);
        this.#resume(process);
        resolve();
      };
      const failed = (thrown: unknown) => {
        if (process.current !== context) return;
        settle();
        const error = initFailed(process, thrown);
        this.logger.error(error.message, { error: error.toJSON(), cause: thrown });
        this.ending.links.end(process.pid.serial, { type: "normal" });
        this.ending.end(process, { type: "error", error });
        reject(error);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        const state = process.definition.init(args as never, context);
        if (isThenable(state)) state.then(ready, failed);
        else ready(state);
      } catch (thrown) {
        failed(thrown);
      }
    });
  }

  /** Asks a process to end; `killed` does not ask. */
  exit(process: LocalProcess, reason: ExitReason): void {
    if (process.phase === "ended") return;
    if (reason.type === "killed") {
      this.ending.end(process, reason);
      return;
    }
    if (process.exitReason !== undefined) return;
    process.exitReason = reason;
    this.ending.refuseQueued(process);
    if (process.phase !== "idle") process.current?.abort(told(process, reason));
    else this.#enqueue(process);
  }

  #wake(process: LocalProcess): void {
    if (process.phase === "idle") this.#enqueue(process);
  }

  #enqueue(process: LocalProcess): void {
    process.phase = "queued";
    this.#turns.enqueue(process);
  }

  #runBatch(process: LocalProcess): void {
    if (process.phase !== "queued") return;
    for (let count = 0; count < this.#limits.batchMessagesMax; count++) {
      if (process.exitReason !== undefined) {
        this.#terminate(process, process.exitReason);
        return;
      }
      const message = process.mailbox.shift();
      if (message === undefined) {
        process.phase = "idle";
        return;
      }
      if (!this.#run(process, message)) return;
      if (this.#turns.spend()) break;
    }
    if (process.mailbox.length === 0 && process.exitReason === undefined) process.phase = "idle";
    else this.#enqueue(process);
  }

  /** Runs one message; false when the process is not ready for the next one. */
  #run(process: LocalProcess, message: Delivery): boolean {
    if (message.type === "call" && !this.#isWanted(message)) return true;
    const handler = handlerFor(process, message) as AnyHandler;
    const context = new MessageContext(process, message, this);
    process.phase = "running";
    process.current = context;
    this.counters.messages++;
    if (message.type === "call" && message.started !== undefined) this.ending.announce(message);
    let result: unknown;
    let pending: Promise<unknown> | undefined;
    try {
      result = this.#invoke(process, handler, context, message);
      // Also what only looks like a promise is user code: reading or calling its `then` may throw.
      if (isThenable(result)) pending = Promise.resolve(result);
    } catch (thrown) {
      return this.#failed(process, context, message, thrown);
    }
    if (pending === undefined) return this.#succeeded(process, context, message, result);
    pending.then(
      (value) => this.#succeeded(process, context, message, value) && this.#resume(process),
      (thrown) => this.#failed(process, context, message, thrown) && this.#resume(process),
    );
    return false;
  }

  #invoke(
    process: LocalProcess,
    handler: AnyHandler,
    context: MessageContext,
    message: Delivery,
  ): unknown {
    const outer = this.#onStack;
    this.#onStack = process;
    try {
      const { trace, payload } = message;
      if (trace === undefined) return handler(context, payload);
      return runWithTrace(trace, () => handler(context, payload));
    } finally {
      this.#onStack = outer;
    }
  }

  #succeeded(
    process: LocalProcess,
    context: MessageContext,
    message: Delivery,
    value: unknown,
  ): boolean {
    if (process.current !== context) return false;
    this.#finished(process, context);
    if (message.type === "call") this.ending.answer(message, { ok: true, value });
    return process.phase === "queued";
  }

  /** A FoundationError is an answer; anything else a crash. */
  #failed(
    process: LocalProcess,
    context: MessageContext,
    message: Delivery,
    thrown: unknown,
  ): boolean {
    if (process.current !== context) return false;
    if (isFoundationError(thrown)) {
      this.#finished(process, context);
      if (message.type === "call") this.ending.answer(message, failure(thrown));
      else this.logger.warn(`${process.title}: ${thrown.message}`, { error: thrown.toJSON() });
      return process.phase === "queued";
    }
    const error = crashed(process, message, thrown);
    this.logger.error(error.message, { error: error.toJSON(), cause: thrown });
    process.current = undefined;
    context.finish();
    if (message.type === "call") this.ending.answer(message, failure(error));
    this.ending.end(process, { type: "error", error });
    return false;
  }

  /** Back from a handler or from init: ready for the next message. */
  #finished(process: LocalProcess, context: MessageContext): void {
    process.current = undefined;
    context.finish();
    process.phase = "queued";
  }

  /** Goes on after something asynchronous: through the queue, so that others get their turn. */
  #resume(process: LocalProcess): void {
    if (process.phase !== "queued") return;
    if (process.mailbox.length > 0 || process.exitReason !== undefined) this.#enqueue(process);
    else process.phase = "idle";
  }

  #terminate(process: LocalProcess, reason: ExitReason): void {
    const { terminate } = process.definition;
    if (terminate === undefined || !isOrderly(reason)) {
      this.ending.end(process, reason);
      return;
    }
    const context = new MessageContext(process, undefined, this);
    process.phase = "terminating";
    process.current = context;
    const timer = this.clock.setTimer(this.#limits.terminateMsMax, () => {
      this.logger.warn(`${process.title}: terminate took too long, so it was cut off`, {
        terminateMsMax: this.#limits.terminateMsMax,
      });
      this.ending.end(process, reason);
    });
    const done = () => {
      timer.cancel();
      this.ending.end(process, reason);
    };
    const failed = (thrown: unknown) => {
      this.logger.error(`${process.title}: terminate threw`, { cause: thrown });
      done();
    };
    try {
      const result: unknown = terminate(context as never, reason);
      if (isThenable(result)) result.then(done, failed);
      else done();
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** False for a call nobody waits for any more: it is not run. */
  #isWanted(call: Call): boolean {
    if (call.deadline !== undefined && call.deadline <= this.#turns.nowMs) {
      this.counters.dropped("expired");
      return false;
    }
    if (call.signal?.aborted) {
      this.counters.dropped("aborted");
      this.ending.answer(call, failure(notWanted(call)));
      return false;
    }
    return true;
  }

  #makeRoom(process: LocalProcess): boolean {
    if (process.definition.mailbox.overflow !== "drop-oldest") return false;
    const dropped = process.mailbox.dropOldest((message) => message.type !== "call");
    if (dropped !== undefined) this.counters.dropped("overflow");
    return dropped !== undefined;
  }

  #callsItself(process: LocalProcess, { sender }: Call): boolean {
    if (this.#onStack === process) return true;
    if (typeof sender !== "object" || sender.serial !== process.pid.serial) return false;
    return sender.node === process.pid.node && sender.boot === process.pid.boot;
  }
}

/** Own properties only: a name from the wire must not find what Object's prototype has. */
function handlerFor(process: LocalProcess, message: Delivery): AnyHandler | undefined {
  const { definition } = process;
  if (message.type === "call") return own(definition.call, message.handler);
  if (message.type === "cast") return own(definition.cast, message.handler);
  return definition.info;
}

function own(handlers: HandlerMap, name: string): AnyHandler | undefined {
  return Object.hasOwn(handlers, name) ? handlers[name] : undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function failure(error: FoundationError): CallOutcome {
  return { ok: false, error };
}
