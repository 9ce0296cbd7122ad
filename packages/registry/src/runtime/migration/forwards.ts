/**
 * Forwards: messages for a process that has moved, sent after it.
 *
 * First what waited in its mailbox, in order, then what comes under its old pid. A call keeps the rest of its deadline and
 * is answered through this node; casts and infos arrive at most once.
 *
 * Invariants: what is forwarded was not run here and never will be; a call is answered once; messages of one process go by
 * one lane, in the order in which they came here. Between a message that comes this way and one that its sender sends to
 * the new place itself there is no order.
 */
import {
  isNodeId,
  type CallOutcome,
  type Delivery,
  type InboundMessage,
  type NodeId,
  type Pid,
  type Route,
} from "@foundation/core";
import { asFoundationError, parsePid } from "../calls/foundation-errors.js";
import { NotRun, noProcess } from "../calls/local-calls.js";
import {
  ABSENT_REPLY,
  deliverOneWay,
  outcomeOf,
  routeTo,
  serveCall,
} from "../calls/remote-calls.js";
import type { Successors } from "../calls/successors.js";
import { isLocal, show, type Wiring } from "../wiring.js";
import { FORWARD } from "./offer.js";

type Call = Extract<Delivery, { type: "call" }>;

/** A message as it travels. */
type Forwarded = readonly [
  type: Delivery["type"],
  pid: Pid,
  handler: string,
  payload: unknown,
  sender: Pid | NodeId | undefined,
];

export class Forwards {
  readonly #wiring: Wiring;
  readonly #successors: Successors;
  readonly #stop: () => void;
  /** Calls that were sent on and not answered. */
  #pending = 0;
  #idle: (() => void)[] = [];

  constructor(wiring: Wiring, successors: Successors) {
    this.#wiring = wiring;
    this.#successors = successors;
    this.#stop = wiring.messenger.handle(FORWARD, (message) => this.#serve(message));
  }

  /** What the kernel is to do with messages for a process that is now that one. */
  to(pid: Pid): (message: Delivery) => void {
    const route = routeTo(pid, FORWARD);
    return (message) => {
      if (message.type === "call") void this.#call(route, pid, message);
      else this.#send(route, pid, message);
    };
  }

  /** Resolves when every call that was sent on is answered. */
  answered(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#stop();
  }

  async #call(route: Route, pid: Pid, call: Call): Promise<void> {
    const { messenger, clock, limits } = this.#wiring;
    const { handler, payload, sender, deadline, signal, trace } = call;
    const timeoutMs = deadline === undefined ? limits.timeoutMs : deadline - clock.now();
    // Nobody waits any more: as in a mailbox, it is dropped unrun.
    if (timeoutMs <= 0) return;
    // From here on it may run there, whatever this node hears of it.
    call.started?.();
    this.#pending += 1;
    const message: Forwarded = ["call", pid, handler, payload, sender];
    let outcome: CallOutcome;
    try {
      const reply = await messenger.request(route, message, { timeoutMs, signal, trace });
      const known = outcomeOf(reply, show(pid), handler);
      outcome = known instanceof NotRun ? { ok: false, error: absent(pid) } : known;
    } catch (error) {
      outcome = { ok: false, error: asFoundationError(error) };
    }
    this.#pending -= 1;
    call.reply(outcome);
    if (this.#pending > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #send(route: Route, pid: Pid, delivery: Exclude<Delivery, Call>): void {
    const { messenger, metrics, logger } = this.#wiring;
    const { type, sender, trace } = delivery;
    const handler = type === "cast" ? delivery.handler : "";
    const payload = type === "conflict" ? delivery.state : delivery.payload;
    const message: Forwarded = [type, pid, handler, payload, sender];
    // Not `trySend`: a whole mailbox may be more than there is room for at the moment.
    messenger.send(route, message, { trace }).catch((error: unknown) => {
      metrics.dropped.add();
      logger.debug(`A ${type} for a process that has moved was dropped`, { error });
    });
  }

  #serve(message: InboundMessage): unknown {
    if (!Array.isArray(message.payload)) return undefined;
    const [type, to, handler, payload, from] = message.payload as readonly unknown[];
    const pid = parsePid(to);
    const sender = parsePid(from) ?? (isNodeId(from) ? from : message.from);
    const { kernel, metrics, self } = this.#wiring;
    if (pid === undefined || !isLocal(pid, self) || typeof handler !== "string") {
      return type === "call" ? ABSENT_REPLY : undefined;
    }
    if (type === "call") {
      const definition = kernel.find(pid)?.definition;
      const call = { pid, handler, payload, definition, sender };
      return serveCall(this.#wiring, this.#successors, call, message);
    }
    const outcome =
      type === "conflict"
        ? kernel.deliver(pid, { type, state: payload })
        : deliverOneWay(
            this.#wiring,
            pid,
            type === "cast" ? "cast" : "info",
            handler,
            payload,
            sender,
            message.trace,
          );
    if (outcome !== "accepted") metrics.dropped.add();
    return undefined;
  }
}

function absent(pid: Pid) {
  return asFoundationError(noProcess(pid, "it has ended on the node to which it was moved"));
}
