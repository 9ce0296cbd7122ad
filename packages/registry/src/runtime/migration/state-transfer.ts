/**
 * State transfer: the state of a process on its way to another node, inside a request or, when it is large, as a stream
 * on a channel of its own, so that it holds up no call.
 *
 * Limits: `inlineStateBytesMax`, `stateBytesMax`.
 */
import type { InboundMessage, InboundStream, NodeId } from "@foundation/core";
import { CHANNEL, type Wiring } from "../wiring.js";

const DATA = "data";

/** How long it may take, and what makes it stop. */
export interface TransferOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A state that has arrived, with what was said of it. */
export interface Transferred {
  readonly head: unknown;
  readonly state: Uint8Array;
}

/** Sends a state; resolves to the other node's answer. @throws as `Messenger.request` and `Messenger.stream` */
export function sendState(
  { messenger, limits }: Wiring,
  to: NodeId,
  subject: string,
  { head, state }: Transferred,
  options: TransferOptions,
): Promise<unknown> {
  if (state.length <= limits.inlineStateBytesMax) {
    return messenger.request({ to, channel: CHANNEL, subject }, [head, state], options);
  }
  return messenger.stream({ to, channel: DATA, subject }, [state], { ...options, metadata: head });
}

/** What a request brought, or undefined when it is no state. */
export function stateOf({ payload }: InboundMessage): Transferred | undefined {
  if (!Array.isArray(payload)) return undefined;
  const [head, state] = payload as readonly unknown[];
  return state instanceof Uint8Array ? { head, state } : undefined;
}

/** What a stream brings, or undefined when it is more than `bytesMax`. @throws {ERR_STREAM_BROKEN} */
export async function collect(
  stream: InboundStream,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stream) {
    length += piece.length;
    if (length > bytesMax) return undefined;
    // Its memory is the stream's own.
    pieces.push(piece.slice());
  }
  const state = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    state.set(piece, at);
    at += piece.length;
  }
  return state;
}
