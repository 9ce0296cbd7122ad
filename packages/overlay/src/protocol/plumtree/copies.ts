/**
 * Copies: broadcasts that their origin sends to each member itself, where it has a link to each. They
 * have the numbers that messages of the tree have, from one row, so their order holds whatever
 * carries them.
 *
 *     head u8: 7, flags 16: floor, 32: latest | seq u48 | back u32 | payload to the end
 *
 * The origin is who sends it. `floor`: nothing before `seq - back` is for the receiver: it was no
 * member yet, or something was dropped on the way to it on purpose. `latest`: the channel keeps only
 * newest values; such a copy has no number of its own, and `seq` says after how many messages of the
 * tree it was sent. Reading never throws; what is malformed gives undefined.
 */
import type { NodeId } from "@foundation/core";
import { readU32, readU48, writeU32, writeU48 } from "../frame.js";
import { BACK_MAX } from "./messages.js";

const TYPE = 7;
const FLOOR = 16;
const LATEST = 32;
/** What stands before the payload. */
export const COPY_HEAD_BYTES = 1 + 6 + 4;

export interface WireCopy {
  readonly seq: number;
  readonly back: number;
  readonly isFloor: boolean;
  readonly isLatest: boolean;
  readonly payload: Uint8Array;
}

/** True for bytes that begin like a copy. */
export function isCopy(bytes: Uint8Array, at = 0): boolean {
  return ((bytes[at] ?? 0) & 0x0f) === TYPE;
}

export function encodeCopy({ payload, ...head }: WireCopy): Uint8Array {
  const bytes = new Uint8Array(COPY_HEAD_BYTES + payload.length);
  bytes.set(payload, COPY_HEAD_BYTES);
  writeCopyHead(bytes, head);
  return bytes;
}

/** Makes a copy of bytes whose first `COPY_HEAD_BYTES` were left free. */
export function writeCopyHead(
  bytes: Uint8Array,
  { seq, back, isFloor, isLatest }: Omit<WireCopy, "payload">,
): void {
  bytes[0] = TYPE | (isFloor ? FLOOR : 0) | (isLatest ? LATEST : 0);
  writeU48(bytes, 1, seq);
  writeU32(bytes, 7, Math.min(BACK_MAX, back));
}

export function decodeCopy(bytes: Uint8Array): WireCopy | undefined {
  if (bytes.length < COPY_HEAD_BYTES || !isCopy(bytes)) return undefined;
  const head = bytes[0] as number;
  const isLatest = (head & LATEST) !== 0;
  const seq = readU48(bytes, 1);
  if (seq === 0 && !isLatest) return undefined;
  const isFloor = (head & FLOOR) !== 0;
  const payload = bytes.subarray(COPY_HEAD_BYTES);
  return { seq, back: readU32(bytes, 7), isFloor, isLatest, payload };
}

/**
 * Before which message nothing is for whom. A member has a floor from when it comes, or from a message
 * that was dropped on its way to it, until it was told of it with the next one.
 */
export class Floors {
  readonly #of = new Map<NodeId, number>();

  /** The first message that is for the member, of those it cannot have waited for. */
  set(id: NodeId, first: number): void {
    if (first > 1) this.#of.set(id, first);
  }

  get(id: NodeId): number | undefined {
    return this.#of.size === 0 ? undefined : this.#of.get(id);
  }

  told(id: NodeId): void {
    this.#of.delete(id);
  }
}
