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
  /** The caller is gone or has cancelled: no reply is sent. */
  dropped = false;
  #controller: AbortController | undefined;

  constructor(
    readonly link: Link,
    readonly from: NodeId,
    readonly fromBoot: Boot,
    readonly channel: string,
    readonly subject: string,
    readonly payload: unknown,
    readonly kind: "message" | "request",
    readonly requestId: number,
    readonly deadline: number | undefined,
    readonly trace: TraceContext | undefined,
    private readonly onSignalRead: ((call: InboundCall) => void) | undefined,
  ) {}

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.dropped) this.#controller.abort();
      else this.onSignalRead?.(this);
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
