/**
 * Meter: what is sent, in messages of each kind and, while it is on, in bytes by the real encodings.
 *
 * Bytes are what a link writes for a message that travels alone: the message as the product encodes it, the head of
 * its frame and that of its WebSocket message with a mask. Not in it are TLS and TCP; on a busy link messages share a
 * frame, so this is the most they take.
 */
import {
  FRAME_HEAD_BYTES,
  MESSAGE_HEAD_BYTES,
} from "../../../packages/overlay/src/protocol/frame.js";
import type { HyParViewMessage } from "../../../packages/overlay/src/protocol/hyparview/messages.js";
import { sizeOf } from "../../../packages/overlay/src/protocol/hyparview/wire.js";
import {
  GOSSIP_HEAD_BYTES,
  headBytesOf,
} from "../../../packages/overlay/src/protocol/plumtree/wire.js";
import type { TreeMessage } from "./link.js";

/** A WebSocket message: its head of 2, 4 or 10 bytes, and the mask of the side that dialled. */
const WEBSOCKET_MASK_BYTES = 4;

/** What was sent in a while. */
export interface Usage {
  readonly seconds: number;
  readonly messages: number;
  readonly bytes: number;
}

export class Meter {
  /** Messages sent, by kind, since the world began. */
  readonly counts = new Map<string, number>();
  /** What the cores counted. */
  readonly marks = new Map<string, number>();
  messages = 0;
  #bytes = 0;
  #since: { readonly atMs: number; readonly messages: number } | undefined;

  /** Counts bytes from now on. */
  start(nowMs: number): void {
    this.#since = { atMs: nowMs, messages: this.messages };
    this.#bytes = 0;
  }

  /** What was sent since `start`. */
  stop(nowMs: number): Usage {
    const since = this.#since;
    if (since === undefined) throw new Error("The meter was not started");
    this.#since = undefined;
    return {
      seconds: (nowMs - since.atMs) / 1_000,
      messages: this.messages - since.messages,
      bytes: this.#bytes,
    };
  }

  view(message: HyParViewMessage): void {
    this.#count(message.type);
    if (this.#since !== undefined) this.#add(sizeOf(message));
  }

  tree(message: TreeMessage): void {
    this.#count(message.type);
    if (this.#since !== undefined) this.#add(encodedBytes(message));
  }

  mark(counter: string, times = 1): void {
    this.marks.set(counter, (this.marks.get(counter) ?? 0) + times);
  }

  #count(kind: string): void {
    this.messages += 1;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  #add(encodedBytes: number): void {
    const frameBytes = FRAME_HEAD_BYTES + MESSAGE_HEAD_BYTES + encodedBytes;
    this.#bytes += webSocketHeadBytes(frameBytes) + frameBytes;
  }
}

function encodedBytes(message: TreeMessage): number {
  if (message.type !== "gossip") return headBytesOf(message);
  return GOSSIP_HEAD_BYTES + message.payload.bytes.length;
}

/** Of a message of so many bytes, sent by the side that dialled. */
export function webSocketHeadBytes(frameBytes: number): number {
  if (frameBytes < 126) return 2 + WEBSOCKET_MASK_BYTES;
  return (frameBytes < 65_536 ? 4 : 10) + WEBSOCKET_MASK_BYTES;
}
