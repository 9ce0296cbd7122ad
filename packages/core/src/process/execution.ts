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
import { Beginning } from "./beginning.js";
import { BlockedLoop } from "./blocked-loop.js";
import type { AnyHandler } from "./definition.js";
import { hasLostLease, LEASE_LOST, type Duties } from "./duties.js";
import { Ending } from "./ending.js";
import { HandOver } from "./hand-over.js";
import { handlerFor } from "./handlers.js";
import { notKept, persist } from "./keeping.js";
import { KernelCounters } from "./kernel-counters.js";
import { crashed, neverRan, notWanted, selfCall, told } from "./kernel-errors.js";
import type {
  CallOutcome,
  Delivery,
  DeliveryOutcome,
  ExitReason,
  SpawnOptions,
} from "./kernel-port.js";
import type { KernelLimits } from "./limits.js";
import type { LocalProcess } from "./local-process.js";
import { MessageContext, type Surroundings } from "./message-context.js";
import { StateCopies } from "./state-copies.js";
import { terminate, type TerminationParts } from "./termination.js";
import { isThenable } from "./thenable.js";
import { Turns } from "./turns.js";

type Call = Extract<Delivery, { type: "call" }>;

export class Execution implements Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: KernelCounters;
  readonly ending: Ending;
  readonly handOver: HandOver;
  readonly #copies: StateCopies;
  readonly #beginning: Beginning;
  readonly #blockedLoop: BlockedLoop;
  readonly #termination: TerminationParts;
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
    this.#beginning = new Beginning({
      ...{ clock: this.clock, surroundings: this, counters: this.counters, ending: this.ending },
      ...{ handOver: this.handOver, copies: this.#copies },
      begin: (process, context) => {
        this.#finished(process, context);
        this.#resume(process);
      },
    });
    this.#termination = { surroundings: this, ending: this.ending, limits };
    this.#blockedLoop = new BlockedLoop(runtime.logger, this.counters, limits);
    this.#turns = new Turns(runtime.clock, limits, {
      runBatch: (process) => this.#runBatch(process),
      afterTurn: () => this.counters.flush(),
    });
  }

  /** Puts a message into a mailbox, or says why not. */
  accept(process: LocalProcess, message: Delivery): DeliveryOutcome {
    if (process.exitReason !== undefined) return "no-process";
    if (handlerFor(process.definition, message) === undefined) {
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
    return this.#beginning.start(process, args, options);
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
    const { duties } = process;
    const turns = this.#turns;
    const { batchMessagesMax, blockedMsMax } = this.#limits;
    if (process.exitReason === undefined) duties?.keeper?.changed();
    for (let count = 0; count < batchMessagesMax; count++) {
      if (process.exitReason !== undefined) {
        terminate(process, process.exitReason, this.#termination);
        return;
      }
      if (process.hold !== undefined) return this.#rest(process);
      const message = process.mailbox.shift();
      if (message === undefined) return this.#rest(process);
      if (duties !== undefined && !this.#mayRun(process, message, duties)) return;
      const isReady = this.#run(process, message);
      const isSpent = turns.spend();
      if (turns.tookMs > blockedMsMax) {
        this.#blockedLoop.report(process, message, turns.tookMs, turns.nowMs);
      }
      if (!isReady) return;
      if (isSpent) break;
    }
    this.#resume(process);
  }

  /** Takes a message out of the count; false when its process may no longer act, and ended. */
  #mayRun(process: LocalProcess, message: Delivery, duties: Duties): boolean {
    duties.waiting?.left(message);
    if (duties.lease?.isHeld !== false) return true;
    if (message.type === "call") {
      this.ending.later(() => this.ending.answer(message, failure(neverRan(process))));
    }
    this.ending.end(process, LEASE_LOST);
    return false;
  }

  /** Runs one message; false when the process is not ready for the next one. */
  #run(process: LocalProcess, message: Delivery): boolean {
    if (message.type === "call" && !this.#isWanted(message)) return true;
    const handler = handlerFor(process.definition, message) as AnyHandler;
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
    if (process.duties !== undefined) {
      return this.#dutifully(process, context, message, { ok: true, value });
    }
    this.#finished(process, context);
    if (message.type === "call") this.ending.answer(message, { ok: true, value });
    return process.phase === "queued";
  }

  /** The message is done: its caller is answered, and the process is ready for the next. */
  #concluded(
    process: LocalProcess,
    context: MessageContext,
    message: Delivery,
    outcome: CallOutcome,
  ): boolean {
    this.#finished(process, context);
    if (message.type === "call") this.ending.answer(message, outcome);
    return process.phase === "queued";
  }

  /** As `#concluded`, for a process that needs its lease, or whose state is kept, before it answers. */
  #dutifully(
    process: LocalProcess,
    context: MessageContext,
    message: Delivery,
    outcome: CallOutcome,
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

  /** False for a call nobody waits for any more: it is not run. */
  #isWanted(call: Call): boolean {
    if (call.deadline !== undefined && call.deadline <= this.#turns.nowMs) {
      this.counters.dropped("expired");
      return false;
    }
    if (call.dropped ?? call.signal?.aborted) {
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

  #callsItself(process: LocalProcess, { sender }: Call): boolean {
    if (this.#onStack === process) return true;
    if (typeof sender !== "object" || sender.serial !== process.pid.serial) return false;
    return sender.node === process.pid.node && sender.boot === process.pid.boot;
  }
}

/** Nothing runs in it any more. */
function tellAtRest(process: LocalProcess): void {
  const { atRest } = process;
  process.atRest = undefined;
  atRest?.forEach((tell) => tell(process.exitReason));
}

function failure(error: FoundationError): CallOutcome {
  return { ok: false, error };
}
