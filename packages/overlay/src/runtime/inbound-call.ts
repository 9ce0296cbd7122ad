/**
 * InboundCall: one message as its handler sees it; its abort signal is made only when somebody
 * reads it.
 */
import {
  runWithTrace,
  type Boot,
  type InboundMessage,
  type MessageHandler,
  type NodeId,
  type TraceContext,
} from "@foundation/core";
import type { Link } from "./link.js";

export class InboundCall implements InboundMessage {
  readonly from: NodeId;
  readonly fromBoot: Boot;
  readonly channel: string;
  readonly deadline: number | undefined;
  /** The caller is gone or has cancelled: no reply is sent. */
  dropped = false;
  /** Its handler has finished: its deadline means nothing any more. */
  finished = false;
  readonly #onSignalRead: ((call: InboundCall) => void) | undefined;
  #controller: AbortController | undefined;

  constructor(
    readonly link: Link,
    readonly subject: string,
    readonly payload: unknown,
    readonly trace: TraceContext | undefined,
    readonly kind: "message" | "request" = "message",
    readonly requestId = 0,
    deadline?: number,
    onSignalRead?: (call: InboundCall) => void,
  ) {
    this.from = link.peer.id;
    this.fromBoot = link.peer.boot;
    this.channel = link.channel;
    this.deadline = deadline;
    this.#onSignalRead = onSignalRead;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.dropped) this.#controller.abort();
      else if (!this.finished) this.#onSignalRead?.(this);
    }
    return this.#controller.signal;
  }

  /** Nobody waits for the reply any more. */
  drop(reason: Error): void {
    if (this.dropped) return;
    this.dropped = true;
    this.#controller?.abort(reason);
  }
}

/** Runs a handler within its caller's trace. */
export function runHandler(handle: MessageHandler, call: InboundCall): unknown {
  return call.trace === undefined ? handle(call) : runWithTrace(call.trace, () => handle(call));
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}
