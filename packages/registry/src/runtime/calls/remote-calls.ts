/**
 * Remote calls: messages to a process of another node, and their handlers on that node.
 *
 * A message is addressed to a pid: node, boot and serial. Whatever else runs on that node by then
 * never gets it. The reply says which of three things happened: it ran and gave a value, it ended
 * with an error, or it was never delivered because no such process runs there; only after the
 * third may the caller look elsewhere, because only then nothing ran. The reply of a process that
 * has moved says where it is now.
 */
import {
  coreErrors,
  fromWireError,
  isFoundationError,
  toWireError,
  type CallOutcome,
  type Delivery,
  type DeliveryOutcome,
  type FoundationError,
  type InboundMessage,
  type NodeId,
  type Pid,
  type Route,
  type TraceContext,
} from "@foundation/core";
import { NotRun, refusal, type CallRequest } from "./local-calls.js";
import type { Successor, Successors } from "./successors.js";
import { WaitingCalls, type WaitingCall } from "./waiting-calls.js";
import { CHANNEL, show, type Wiring } from "../wiring.js";

const CALL = "process.call";
const CAST = "process.cast";
const INFO = "process.info";

/** Tags of a reply. */
const VALUE = 0;
const ERROR = 1;
const ABSENT = 2;

/** `moved` is the Successor of a process that was asked under its old pid. */
export type Reply = readonly [
  tag: typeof VALUE | typeof ERROR | typeof ABSENT,
  body?: unknown,
  moved?: unknown,
];

/** Nothing ran, and never will. */
export const ABSENT_REPLY: Reply = [ABSENT];

type CallDelivery = Extract<Delivery, { type: "call" }>;

/** A call that has arrived. */
export interface InboundCall {
  readonly pid: Pid;
  readonly handler: string;
  readonly payload: unknown;
  readonly definition: string | undefined;
  readonly sender: Pid | NodeId;
}

/** Calls, casts and infos between nodes. */
export class RemoteCalls {
  readonly #wiring: Wiring;
  readonly #successors: Successors;
  readonly #waiting = new WaitingCalls<WaitingCall>();
  readonly #stops: (() => void)[];

  constructor(wiring: Wiring, successors: Successors) {
    this.#wiring = wiring;
    this.#successors = successors;
    const { messenger } = wiring;
    this.#stops = [
      messenger.handle(CALL, (message) => this.#onCall(message)),
      messenger.handle(CAST, (message) => this.#onOneWay("cast", message)),
      messenger.handle(INFO, (message) => this.#onOneWay("info", message)),
    ];
  }

  /**
   * Asks a process of another node. When nothing ran and never will, what `notRun` gives is the answer. One promise beside
   * the network's: every further one would be made for every call.
   */
  call(
    pid: Pid,
    request: CallRequest,
    notRun: (first: NotRun) => unknown = asItIs,
  ): Promise<unknown> {
    const { handler, payload, definition, timeoutMs, signal, trace } = request;
    const answer = this.#wiring.messenger.request(
      routeTo(pid, CALL),
      [pid.serial, pid.boot, handler, payload, definition],
      { timeoutMs, signal, trace },
    );
    // Not before: what is refused at once waits for nothing.
    const waiting: WaitingCall = { pid, place: -1, ended: undefined };
    this.#waiting.add(waiting);
    return answer.then(
      (reply) => {
        this.#waiting.remove(waiting);
        const value = valueOf(reply, request);
        return value instanceof NotRun ? notRun(value) : value;
      },
      (error: unknown) => {
        this.#waiting.remove(waiting);
        // The network's own words, not a handler's: those come inside the reply.
        if (isFoundationError(error, "ERR_NODE_UNREACHABLE")) return notRun(new NotRun(error));
        if (isFoundationError(error, "ERR_UNKNOWN_SUBJECT")) return notRun(new NotRun());
        throw inWordsOf(request, error);
      },
    );
  }

  /** Calls of one of these processes that wait for a reply. */
  to(pids: readonly Pid[]): readonly WaitingCall[] {
    return this.#waiting.to(pids);
  }

  /** Sends without waiting; what does not fit into the link is dropped and counted. */
  send(
    pid: Pid,
    type: "cast" | "info",
    handler: string,
    payload: unknown,
    trace: TraceContext | undefined,
  ): void {
    const route = routeTo(pid, type === "cast" ? CAST : INFO);
    const message = [pid.serial, pid.boot, handler, payload];
    const outcome = this.#wiring.messenger.trySend(route, message, { trace });
    if (outcome !== "accepted") this.#wiring.metrics.dropped.add();
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #onCall(message: InboundMessage): Promise<unknown> | unknown {
    const call = this.#read(message);
    if (call === undefined) return ABSENT_REPLY;
    return serveCall(this.#wiring, this.#successors, call, message);
  }

  #onOneWay(type: "cast" | "info", message: InboundMessage): void {
    const call = this.#read(message);
    if (call === undefined) return this.#wiring.metrics.dropped.add();
    const { pid, handler, payload, sender } = call;
    const { trace } = message;
    const outcome = deliverOneWay(this.#wiring, pid, type, handler, payload, sender, trace);
    if (outcome === "accepted") return;
    this.#wiring.metrics.dropped.add();
    this.#wiring.logger.debug(`A ${type} was dropped: ${outcome}`, { handler, pid: show(pid) });
  }

  #read({ payload, from }: InboundMessage): InboundCall | undefined {
    if (!Array.isArray(payload)) return undefined;
    const fields = payload as readonly unknown[];
    const [serial, boot, handler, definition] = [fields[0], fields[1], fields[2], fields[4]];
    const { self } = this.#wiring;
    if (typeof serial !== "number" || boot !== self.boot || typeof handler !== "string") {
      return undefined;
    }
    return {
      pid: { node: self.node, boot: self.boot, serial },
      handler,
      payload: fields[3],
      definition: typeof definition === "string" ? definition : undefined,
      sender: from,
    };
  }
}

/** Delivers a call of another node; the promise is its reply. */
export function serveCall(
  wiring: Wiring,
  successors: Successors,
  call: InboundCall,
  message: InboundMessage,
): Promise<Reply> {
  const { pid, handler, definition } = call;
  return new Promise((resolve) => {
    const outcome = wiring.kernel.deliver(pid, new Arrived(call, message, successors, resolve));
    if (outcome === "no-process") resolve([ABSENT, undefined, successors.get(pid.serial)]);
    else if (outcome !== "accepted") {
      const refused = refusal(outcome, { target: show(pid), definition, handler }, wiring);
      resolve([ERROR, toWireError(refused)]);
    }
  });
}

/** A call of another node, as the kernel takes it. Its signal is made only when a handler asks for it: most never do. */
class Arrived implements CallDelivery {
  readonly type = "call";
  readonly handler: string;
  readonly payload: unknown;
  readonly sender: Pid | NodeId;
  readonly trace: TraceContext | undefined;
  readonly deadline: number | undefined;
  readonly #serial: number;
  readonly #message: InboundMessage;
  readonly #successors: Successors;
  readonly #resolve: (reply: Reply) => void;

  constructor(
    { pid, handler, payload, sender }: InboundCall,
    message: InboundMessage,
    successors: Successors,
    resolve: (reply: Reply) => void,
  ) {
    this.handler = handler;
    this.payload = payload;
    this.sender = sender;
    this.trace = message.trace;
    this.deadline = message.deadline;
    this.#serial = pid.serial;
    this.#message = message;
    this.#successors = successors;
    this.#resolve = resolve;
  }

  get signal(): AbortSignal {
    return this.#message.signal;
  }

  get dropped(): boolean | undefined {
    return this.#message.dropped;
  }

  reply(outcome: CallOutcome): void {
    this.#resolve(encode(outcome, this.#successors.get(this.#serial)));
  }
}

/** What a reply says of the call, as the kernel wants to hear it; NotRun when it was not delivered. */
export function outcomeOf(reply: unknown, target: string, handler: string): CallOutcome | NotRun {
  if (!isReply(reply)) return { ok: false, error: unreadable(target, handler) };
  const [tag, body] = reply;
  if (tag === VALUE) return { ok: true, value: body };
  return tag === ERROR ? { ok: false, error: fromWireError(body) } : new NotRun();
}

/** Puts a cast or an info into the mailbox of a process of this node. */
export function deliverOneWay(
  wiring: Wiring,
  pid: Pid,
  type: "cast" | "info",
  handler: string,
  payload: unknown,
  sender: Pid | NodeId,
  trace: TraceContext | undefined,
): DeliveryOutcome {
  return wiring.kernel.deliver(
    pid,
    type === "cast" ? { type, handler, payload, sender, trace } : { type, payload, sender, trace },
  );
}

function isReply(value: unknown): value is Reply {
  if (!Array.isArray(value)) return false;
  const tag: unknown = value[0];
  return tag === VALUE || tag === ERROR || tag === ABSENT;
}

/** What a reply gives to its caller; NotRun when it was not delivered. @throws what the handler threw */
function valueOf(reply: unknown, { target, handler, moved: told }: CallRequest): unknown {
  if (!isReply(reply)) throw unreadable(target, handler);
  const moved = reply[2];
  if (reply[0] === ABSENT) return new NotRun(undefined, moved);
  if (moved !== undefined) told?.(moved);
  if (reply[0] === VALUE) return reply[1];
  throw fromWireError(reply[1]);
}

function asItIs(first: NotRun): NotRun {
  return first;
}

function encode(reply: CallOutcome, moved: Successor | undefined): Reply {
  const [tag, body] = reply.ok
    ? ([VALUE, reply.value] as const)
    : ([ERROR, toWireError(reply.error)] as const);
  return moved === undefined ? [tag, body] : [tag, body, moved];
}

/** The error of a request, in words of the call that it was. */
function inWordsOf({ target, handler, timeoutMs }: CallRequest, error: unknown): unknown {
  const what = `The call ${handler} to ${target}`;
  if (isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) {
    const { reason } = error.details as Parameters<typeof coreErrors.ERR_OUTCOME_UNKNOWN>[1];
    const message = `${what} may have run: ${error.message}`;
    return coreErrors.ERR_OUTCOME_UNKNOWN(message, { reason, target }, error);
  }
  if (isFoundationError(error, "ERR_TIMEOUT")) {
    const message = `${what} did not run: ${error.message}`;
    return coreErrors.ERR_TIMEOUT(message, { timeoutMs, target }, error);
  }
  return error;
}

function unreadable(target: string, handler: string): FoundationError {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `The reply of ${target} to ${handler} cannot be read: its node runs another version`,
    { reason: "connection-lost", target },
  );
}

/** One route for each process: what is sent to it stays in order on any number of lanes. */
export function routeTo(pid: Pid, subject: string): Route {
  return { to: pid.node, channel: CHANNEL, subject, key: String(pid.serial) };
}
