/**
 * Execution: runs handlers of all processes of a node, one message at a time in each.
 *
 * A handler that returns no promise is answered at once: no timer, no promise and no listener is
 * made for its message. A handler that never settles keeps only its own process busy.
 *
 * A process with duties (a lease, snapshots to keep, shares of its mailbox) takes a longer way round;
 * one without them looks at one field for each message.
 *
 * Invariants: `process.current` is what runs in a process; whoever finds that it is no longer its
 * own has been overtaken by the process's end and changes nothing.
 */
import { runWithTrace } from "../context/trace-scope.js";
import { isFoundationError, type FoundationError } from "../errors/foundation-error.js";
import type { Codec } from "../ports/codec.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { Runtime } from "../ports/runtime.js";
import { BlockedLoop } from "./blocked-loop.js";
import { Deadlines } from "./deadlines.js";
import type { AnyHandler, HandlerMap } from "./definition.js";
import { dutiesOf, type DutyMakers } from "./duties.js";
import { Ending } from "./ending.js";
import { HandOver } from "./hand-over.js";
import { Sleeper } from "./hibernation.js";
import { notKept, persist, RegularKeeper } from "./keeping.js";
import type {
  CallOutcome,
  Delivery,
  DeliveryOutcome,
  ExitReason,
  SpawnOptions,
} from "./kernel-port.js";
import { KernelCounters } from "./kernel-counters.js";
import {
  crashed,
  initFailed,
  neverRan,
  noUpgrade,
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
import { StateCopies } from "./state-copies.js";
import { Turns } from "./turns.js";

type Call = Extract<Delivery, { type: "call" }>;

const LEASE_LOST: ExitReason = { type: "lease-lost" };

export class Execution implements Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: KernelCounters;
  readonly ending: Ending;
  readonly handOver: HandOver;
  readonly #copies: StateCopies;
  readonly #makers: DutyMakers;
  readonly #blockedLoop: BlockedLoop;
  readonly #limits: KernelLimits;
  readonly #turns: Turns<LocalProcess>;
  /** Whose handler is on the stack, up to its first await: a call to itself would wait for ever. */
  #onStack: LocalProcess | undefined = undefined;

  constructor(
    runtime: Pick<Runtime, "clock" | "logger" | "meter">,
    codec: Codec,
    limits: KernelLimits,
  ) {
    this.clock = runtime.clock;
    this.logger = runtime.logger;
    this.#limits = limits;
    this.counters = new KernelCounters(runtime.meter);
    const ask = (process: LocalProcess, reason: ExitReason) => this.exit(process, reason);
    this.ending = new Ending(runtime.logger, this.counters, limits, ask);
    this.#copies = new StateCopies(codec);
    this.handOver = new HandOver(this.ending, this.#copies, limits, (process) =>
      this.#release(process),
    );
    this.#makers = this.#dutyMakers();
    this.#blockedLoop = new BlockedLoop(runtime.logger, this.counters, limits);
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
    const waiting = process.duties?.waiting;
    const hasShare = waiting === undefined || waiting.mayTake(message);
    if (!hasShare || (process.mailbox.full && !this.#makeRoom(process))) {
      this.counters.dropped("mailbox-full");
      return "mailbox-full";
    }
    waiting?.came(message);
    process.mailbox.push(message);
    this.#wake(process);
    return "accepted";
  }

  /** Runs `init`, or takes the installed state; settles when the process is ready or did not start. */
  start(process: LocalProcess, args: unknown, options: SpawnOptions): Promise<void> {
    const { signal } = options;
    process.duties = dutiesOf(process, options, this.#makers);
    if (options.passive === true) process.hold = {};
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
        process.state = state;
        const refused = options.movable === true ? this.#refusedState(process) : undefined;
        if (refused !== undefined) return failed(refused.error, refused.error);
        if (hasLostLease(process)) return this.ending.end(process, LEASE_LOST);
        settle();
        this.counters.started();
        this.#finished(process, context);
        this.#resume(process);
        resolve();
      };
      const failed = (thrown: unknown, error = initFailed(process, thrown)) => {
        if (process.current !== context) return;
        settle();
        this.logger.error(error.message, { error: error.toJSON(), cause: thrown });
        this.ending.links.end(process.pid.serial, { type: "normal" });
        this.ending.end(process, { type: "error", error });
        reject(error);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        const state = firstState(process, args, context, options);
        if (isThenable(state)) state.then(ready, (thrown: unknown) => failed(thrown));
        else ready(state);
      } catch (thrown) {
        failed(thrown);
      }
    });
  }

  /** Asks a process to end; `killed` does not ask. */
  exit(process: LocalProcess, reason: ExitReason): void {
    if (process.phase === "ended") return;
    if (reason.type === "killed" || reason.type === "lease-lost") {
      this.ending.end(process, reason);
      return;
    }
    if (process.exitReason !== undefined) return;
    process.exitReason = reason;
    this.ending.refuseQueued(process);
    if (process.phase !== "idle") process.current?.abort(told(process, reason));
    else this.#enqueue(process);
  }

  /** Keeps the state as it is now: a handler asked for it. */
  persist(process: LocalProcess): Promise<void> {
    return persist(process, this.#copies);
  }

  #wake(process: LocalProcess): void {
    if (process.phase === "idle" && process.hold === undefined) this.#enqueue(process);
  }

  /** Nobody holds it any more: it goes on where it has something to do. */
  #release(process: LocalProcess): void {
    if (process.phase === "idle" && process.mailbox.length > 0) this.#enqueue(process);
    else if (process.phase === "idle") this.#rest(process);
  }

  /** Nothing to do, or held. */
  #rest(process: LocalProcess): void {
    process.phase = "idle";
    process.duties?.sleeper?.idle();
  }

  #enqueue(process: LocalProcess): void {
    process.phase = "queued";
    this.#turns.enqueue(process);
  }

  #runBatch(process: LocalProcess): void {
    if (process.phase !== "queued") return;
    if (process.asleep !== undefined) this.#copies.wake(process);
    process.duties?.keeper?.changed();
    for (let count = 0; count < this.#limits.batchMessagesMax; count++) {
      if (process.exitReason !== undefined) {
        this.#terminate(process, process.exitReason);
        return;
      }
      if (process.hold !== undefined) return this.#rest(process);
      const message = process.mailbox.shift();
      if (message === undefined) return this.#rest(process);
      process.duties?.waiting?.left(message);
      const startedMs = this.#turns.nowMs;
      const isReady = this.#run(process, message);
      const isSpent = this.#turns.spend();
      const { nowMs } = this.#turns;
      if (nowMs - startedMs > this.#limits.blockedMsMax) {
        this.#blockedLoop.report(process, message, nowMs - startedMs, nowMs);
      }
      if (!isReady) return;
      if (isSpent) break;
    }
    this.#resume(process);
  }

  /** Runs one message; false when the process is not ready for the next one. */
  #run(process: LocalProcess, message: Delivery): boolean {
    if (hasLostLease(process)) return this.#loseLease(process, message);
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
      const { trace } = message;
      const payload = message.type === "conflict" ? message.state : message.payload;
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
    const outcome: CallOutcome | undefined =
      message.type === "call" ? { ok: true, value } : undefined;
    if (process.duties !== undefined) return this.#dutifully(process, context, message, outcome);
    return this.#concluded(process, context, message, outcome);
  }

  /** The message is done: its caller is answered, and the process is ready for the next. */
  #concluded(
    process: LocalProcess,
    context: MessageContext,
    message: Delivery,
    outcome: CallOutcome | undefined,
  ): boolean {
    this.#finished(process, context);
    if (message.type === "call" && outcome !== undefined) this.ending.answer(message, outcome);
    return process.phase === "queued";
  }

  /** As `#concluded`, for a process that needs its lease, or whose state is kept, before it answers. */
  #dutifully(
    process: LocalProcess,
    context: MessageContext,
    message: Delivery,
    outcome: CallOutcome | undefined,
  ): boolean {
    const unkept = (thrown: unknown) => {
      if (process.current !== context) return false;
      const error = notKept(process, thrown);
      this.logger.error(error.message, { error: error.toJSON(), cause: thrown });
      this.ending.end(process, { type: "error", error });
      return false;
    };
    const conclude = () => {
      if (process.current !== context) return false;
      if (!hasLostLease(process)) return this.#concluded(process, context, message, outcome);
      this.ending.end(process, LEASE_LOST);
      return false;
    };
    const { keepsEach, onPersist } = process.duties ?? {};
    if (keepsEach !== true || hasLostLease(process)) return conclude();
    let kept: unknown;
    try {
      kept = onPersist?.(this.#copies.snapshotOf(process));
    } catch (thrown) {
      return unkept(thrown);
    }
    if (!isThenable(kept)) return conclude();
    kept.then(() => conclude() && this.#resume(process), unkept);
    return false;
  }

  /** Its right to act is gone: nothing of it runs any more, also not what waits. */
  #loseLease(process: LocalProcess, message: Delivery): false {
    if (message.type === "call") {
      this.ending.later(() => this.ending.answer(message, failure(neverRan(process))));
    }
    this.ending.end(process, LEASE_LOST);
    return false;
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
      if (message.type !== "call") {
        this.logger.warn(`${process.title}: ${thrown.message}`, { error: thrown.toJSON() });
      }
      const outcome = failure(thrown);
      if (process.duties !== undefined) return this.#dutifully(process, context, message, outcome);
      return this.#concluded(process, context, message, outcome);
    }
    if (hasLostLease(process)) {
      this.ending.end(process, LEASE_LOST);
      return false;
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
    if (process.atRest !== undefined) tellAtRest(process);
  }

  /** Goes on after something asynchronous: through the queue, so that others get their turn. */
  #resume(process: LocalProcess): void {
    if (process.phase !== "queued") return;
    if (process.exitReason !== undefined) this.#enqueue(process);
    else if (process.mailbox.length > 0 && process.hold === undefined) this.#enqueue(process);
    else this.#rest(process);
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
    if (dropped === undefined) return false;
    process.duties?.waiting?.left(dropped);
    this.counters.dropped("overflow");
    return true;
  }

  #refusedState(process: LocalProcess): { readonly error: FoundationError } | undefined {
    try {
      this.#copies.check(process);
      return undefined;
    } catch (error) {
      return { error: error as FoundationError };
    }
  }

  #dutyMakers(): DutyMakers {
    const deadlines = new Deadlines(this.clock);
    const { clock, logger, counters, handOver } = this;
    const kernel = { clock, logger, counters, handOver, deadlines, copies: this.#copies };
    return {
      keeper: (process, everyMs) => new RegularKeeper(process, everyMs, kernel),
      sleeper: (process, afterMs) => new Sleeper(process, afterMs, kernel),
    };
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
  if (message.type === "conflict") return definition.resolveConflict;
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

/** What a process begins with: made by `init`, or installed, in the shape of this version. */
function firstState(
  { definition }: LocalProcess,
  args: unknown,
  context: MessageContext,
  { install }: SpawnOptions,
): unknown {
  if (install === undefined) return definition.init(args as never, context);
  if (install.version === definition.version) return install.state;
  if (definition.upgrade === undefined) throw noUpgrade(definition, install.version);
  return definition.upgrade(install.state, install.version);
}

function hasLostLease({ duties }: LocalProcess): boolean {
  return duties !== undefined && duties.lease?.isHeld === false;
}

/** Nothing runs in it any more. */
function tellAtRest(process: LocalProcess): void {
  const { atRest } = process;
  process.atRest = undefined;
  atRest?.forEach((tell) => tell(undefined));
}

function failure(error: FoundationError): CallOutcome {
  return { ok: false, error };
}
