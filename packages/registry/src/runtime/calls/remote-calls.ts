/**
 * Remote calls: messages to a process of another node, and their handlers on that node.
 *
 * A message is addressed to a pid: node, boot and serial. Whatever else runs on that node by then
 * never gets it. The reply says which of three things happened: it ran and gave a value, it ended
 * with an error, or it was never delivered because no such process runs there; only after the
 * third may the caller look elsewhere, because only then nothing ran.
 */
import {
  coreErrors,
  fromWireError,
  isFoundationError,
  toWireError,
  type CallOutcome,
  type DeliveryOutcome,
  type InboundMessage,
  type NodeId,
  type Pid,
  type Route,
  type TraceContext,
} from "@foundation/core";
import { NotRun, refusal, type CallRequest } from "./local-calls.js";
import { CHANNEL, show, type Wiring } from "../wiring.js";

const CALL = "process.call";
const CAST = "process.cast";
const INFO = "process.info";

/** Tags of a reply. */
const VALUE = 0;
const ERROR = 1;
const ABSENT = 2;

type Reply = readonly [tag: typeof VALUE | typeof ERROR | typeof ABSENT, body?: unknown];

/** Calls, casts and infos between nodes. */
export class RemoteCalls {
  readonly #wiring: Wiring;
  readonly #stops: (() => void)[];

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
    const { messenger } = wiring;
    this.#stops = [
      messenger.handle(CALL, (message) => this.#onCall(message)),
      messenger.handle(CAST, (message) => this.#onOneWay("cast", message)),
      messenger.handle(INFO, (message) => this.#onOneWay("info", message)),
    ];
  }

  /** Asks a process of another node. Resolves to NotRun when nothing ran and never will. */
  async call(pid: Pid, request: CallRequest): Promise<unknown> {
    const reply = await this.#request(pid, request);
    if (reply instanceof NotRun) return reply;
    const [tag, body] = reply;
    if (tag === VALUE) return body;
    if (tag === ERROR) throw fromWireError(body);
    return new NotRun();
  }

  async #request(pid: Pid, request: CallRequest): Promise<Reply | NotRun> {
    const { handler, payload, definition, timeoutMs, signal, trace, target } = request;
    let reply: unknown;
    try {
      reply = await this.#wiring.messenger.request(
        routeTo(pid, CALL),
        [pid.serial, pid.boot, handler, payload, definition],
        { timeoutMs, signal, trace },
      );
    } catch (error) {
      // The network's own words, not a handler's: those come inside the reply.
      if (isFoundationError(error, "ERR_NODE_UNREACHABLE")) return new NotRun(error);
      if (isFoundationError(error, "ERR_UNKNOWN_SUBJECT")) return new NotRun();
      throw error;
    }
    if (isReply(reply)) return reply;
    throw coreErrors.ERR_OUTCOME_UNKNOWN(
      `The reply of ${target} to ${handler} cannot be read: its node runs another version`,
      { reason: "connection-lost", target },
    );
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
    const target = this.#read(message.payload);
    if (target === undefined) return [ABSENT];
    const { pid, handler, payload, definition } = target;
    return new Promise((resolve) => {
      const outcome = this.#wiring.kernel.deliver(pid, {
        type: "call",
        handler,
        payload,
        sender: message.from,
        trace: message.trace,
        deadline: message.deadline,
        // Made only when a handler asks for it: most never do.
        get signal() {
          return message.signal;
        },
        reply: (reply) => resolve(encode(reply)),
      });
      if (outcome === "no-process") resolve([ABSENT]);
      else if (outcome !== "accepted") {
        const refused = refusal(outcome, { target: show(pid), definition, handler }, this.#wiring);
        resolve([ERROR, toWireError(refused)]);
      }
    });
  }

  #onOneWay(type: "cast" | "info", message: InboundMessage): void {
    const target = this.#read(message.payload);
    if (target === undefined) return this.#wiring.metrics.dropped.add();
    const { pid, handler, payload } = target;
    const { from: sender, trace } = message;
    const outcome = deliverOneWay(this.#wiring, pid, type, handler, payload, sender, trace);
    if (outcome === "accepted") return;
    this.#wiring.metrics.dropped.add();
    this.#wiring.logger.debug(`A ${type} was dropped: ${outcome}`, { handler, pid: show(pid) });
  }

  #read(payload: unknown) {
    if (!Array.isArray(payload)) return undefined;
    const [serial, boot, handler, body, definition] = payload as readonly unknown[];
    const { self } = this.#wiring;
    if (typeof serial !== "number" || boot !== self.boot || typeof handler !== "string") {
      return undefined;
    }
    return {
      pid: { node: self.node, boot: self.boot, serial },
      handler,
      payload: body,
      definition: typeof definition === "string" ? definition : undefined,
    };
  }
}

/** Puts a cast or an info into the mailbox of a process of this node. */
export function deliverOneWay(
  wiring: Wiring,
  pid: Pid,
  type: "cast" | "info",
  handler: string,
  payload: unknown,
  sender: NodeId,
  trace: TraceContext | undefined,
): DeliveryOutcome {
  return wiring.kernel.deliver(
    pid,
    type === "cast" ? { type, handler, payload, sender, trace } : { type, payload, sender, trace },
  );
}

function isReply(value: unknown): value is Reply {
  return Array.isArray(value) && [VALUE, ERROR, ABSENT].includes(value[0] as number);
}

function encode(reply: CallOutcome): unknown {
  return reply.ok ? [VALUE, reply.value] : [ERROR, toWireError(reply.error)];
}

/** One route for each process: what is sent to it stays in order on any number of lanes. */
function routeTo(pid: Pid, subject: string): Route {
  return { to: pid.node, channel: CHANNEL, subject, key: String(pid.serial) };
}
