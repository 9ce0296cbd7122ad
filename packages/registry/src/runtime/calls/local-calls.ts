/**
 * Local calls: a call to a process of this node, from the mailbox to the caller's promise.
 *
 * The reply may never come (a handler that never returns), so each call has a deadline here. When
 * it passes before the handler began, the kernel drops the message and the caller is told that it
 * did not run; after that, only that the outcome is unknown.
 *
 * Not core's localRef, with which it shares the deadlines: that passes objects as they are, carries
 * no trace, and cannot tell "no such process" from a handler that says the same.
 *
 * Invariants: a promise settles exactly once; payload and reply are copied through the codec, so
 * caller and process share no object, as if a network lay between them.
 * Limit: `pendingCallsMax` calls wait at once.
 */
import {
  coreErrors,
  Deadlines,
  type CallOutcome,
  type Delivery,
  type Expiring,
  type NodeId,
  type Pid,
  type TraceContext,
} from "@foundation/core";
import { WaitingCalls, type WaitingCall } from "./waiting-calls.js";
import { copyOf, show, type Wiring } from "../wiring.js";

/** One call, wherever it goes. */
export interface CallRequest {
  /** For messages to people: the name or the pid. */
  readonly target: string;
  readonly definition: string | undefined;
  readonly handler: string;
  readonly payload: unknown;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly trace: TraceContext | undefined;
  /** Called with the Successor that a reply tells, unchecked: the process has moved. */
  readonly moved?: ((successor: unknown) => void) | undefined;
}

/**
 * What a delivery gives that reached no process: nothing ran and never will, so another location may
 * be tried. A value of its own, because a handler may throw the very same errors as the network.
 */
export class NotRun {
  /** Why, where there is more to say than that no such process runs there. */
  readonly error: unknown;
  /** Where the process is now, if that was told: a Successor, unchecked. */
  readonly moved: unknown;

  constructor(error?: unknown, moved?: unknown) {
    this.error = error;
    this.moved = moved;
  }
}

type CallDelivery = Extract<Delivery, { type: "call" }>;

/** Calls of this node's own processes. */
export class LocalCalls {
  readonly #wiring: Wiring;
  readonly #deadlines: Deadlines;
  readonly #pending = new WaitingCalls<PendingCall>();

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
    this.#deadlines = new Deadlines(wiring.clock);
  }

  /** Calls waiting for a reply. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Calls of one of these processes that wait for a reply. */
  to(pids: readonly Pid[]): readonly WaitingCall[] {
    return this.#pending.to(pids);
  }

  /** Delivers the call; the promise is the reply. Synchronously NotRun when no such process runs. */
  call(pid: Pid, request: CallRequest): Promise<unknown> | NotRun {
    const { kernel, clock, codec, limits } = this.#wiring;
    if (this.#pending.size >= limits.pendingCallsMax) throw tooManyCalls(limits.pendingCallsMax);
    const payload = copyOf(request.payload, codec);
    const deadline = clock.now() + request.timeoutMs;
    const call = new PendingCall(pid, request, payload, deadline, this.#wiring, this.#forget);
    const outcome = kernel.deliver(pid, call);
    if (outcome === "no-process") return new NotRun();
    if (outcome !== "accepted") throw refusal(outcome, request, this.#wiring);
    if (!call.settled) {
      this.#pending.add(call);
      this.#deadlines.watch(call);
      call.listen();
    }
    return call.promise;
  }

  /** Ends every waiting call as unknown. */
  close(): void {
    for (const call of this.#pending.all()) call.abandon();
  }

  readonly #forget = (call: PendingCall): void => {
    if (!call.settled) this.#deadlines.settle(call);
    this.#pending.remove(call);
  };
}

/** A call that waits, and the message that is delivered of it: one object for both. */
class PendingCall implements Expiring, CallDelivery, WaitingCall {
  readonly type = "call";
  readonly pid: Pid;
  readonly handler: string;
  readonly payload: unknown;
  readonly sender: NodeId;
  readonly trace: TraceContext | undefined;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly promise: Promise<unknown>;
  settled = false;
  queued = false;
  place = -1;
  ended: (() => void)[] | undefined = undefined;
  #began = false;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  readonly #request: CallRequest;
  readonly #wiring: Wiring;
  readonly #forget: (call: PendingCall) => void;
  #onAbort: (() => void) | undefined;

  constructor(
    pid: Pid,
    request: CallRequest,
    payload: unknown,
    deadline: number,
    wiring: Wiring,
    forget: (call: PendingCall) => void,
  ) {
    this.pid = pid;
    this.handler = request.handler;
    this.payload = payload;
    this.sender = wiring.self.node;
    this.trace = request.trace;
    this.deadline = deadline;
    this.signal = request.signal;
    this.#request = request;
    this.#wiring = wiring;
    this.#forget = forget;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The handler begins. */
  started(): void {
    this.#began = true;
  }

  /** Gives the call up when the caller's signal fires. */
  listen(): void {
    if (this.signal === undefined) return;
    this.#onAbort = () => this.abandon();
    this.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  reply(outcome: CallOutcome): void {
    if (this.settled) return;
    this.#end();
    if (!outcome.ok) return this.#reject(outcome.error);
    try {
      this.#resolve(copyOf(outcome.value, this.#wiring.codec));
    } catch (error) {
      this.#reject(error);
    }
  }

  expire(): void {
    this.#end();
    this.#reject(this.#abandoned("deadline-exceeded"));
  }

  /** The caller gave up. */
  abandon(): void {
    if (this.settled) return;
    this.#end();
    this.#reject(this.#abandoned("aborted"));
  }

  #abandoned(reason: "aborted" | "deadline-exceeded"): Error {
    const { target, handler, timeoutMs } = this.#request;
    const what = `The call ${handler} to ${target}`;
    const why =
      reason === "aborted" ? "the caller gave up" : `no reply came within ${timeoutMs} ms`;
    if (this.#began) {
      return coreErrors.ERR_OUTCOME_UNKNOWN(`${what} may have run: ${why}`, { reason, target });
    }
    const message = `${what} did not run: ${why}`;
    if (reason === "aborted") return coreErrors.ERR_ABORTED(message, { target });
    return coreErrors.ERR_TIMEOUT(message, { timeoutMs, target });
  }

  #end(): void {
    if (this.#onAbort !== undefined) this.signal?.removeEventListener("abort", this.#onAbort);
    this.#forget(this);
  }
}

/** The error for a mailbox that did not take the message. Nothing ran. */
export function refusal(
  outcome: "mailbox-full" | "unknown-handler",
  request: Pick<CallRequest, "target" | "definition" | "handler">,
  wiring: Wiring,
): Error {
  const { target, definition = "?", handler } = request;
  const known = wiring.definitions.get(definition);
  if (outcome === "mailbox-full") {
    const limit = known?.mailbox.limit ?? 0;
    return coreErrors.ERR_MAILBOX_FULL(
      `The mailbox of ${target} is full (mailbox.limit ${limit}); ${handler} was not taken`,
      { process: target, limit },
    );
  }
  const handlers = Object.keys(known?.call ?? {});
  return coreErrors.ERR_UNKNOWN_HANDLER(
    `${target} has no call handler "${handler}"; it has ${handlers.join(", ") || "none"}`,
    { definition, handler, known: handlers },
  );
}

/** The error for a target that is not running. Nothing ran; a retry is safe. */
export function noProcess(target: Pid | NodeId | string, why = "nobody runs under it"): Error {
  const shown = show(target);
  return coreErrors.ERR_NO_PROCESS(`No process ${shown}: ${why}; nothing was delivered`, {
    process: shown,
  });
}

function tooManyCalls(limit: number): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `${limit} calls of this node wait for a reply already (limits.pendingCallsMax)`,
    { queue: "pending calls", limit, unit: "messages" },
  );
}

/** For the type of `deliver` where no reply is wanted. */
export type OneWay = Extract<Delivery, { type: "cast" | "info" }>;
