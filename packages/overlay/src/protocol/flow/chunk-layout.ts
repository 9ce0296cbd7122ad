/**
 * Lays a large message out in one piece of memory as the frames it leaves in, so that its bytes are
 * written once and moved once, and no chunk needs memory of its own.
 *
 *     chunk head | head of the message, payload … | chunk head | payload … | chunk head | payload
 *
 * The content is first written behind a gap that is as long as all chunk heads together; then each
 * part moves down to its place, in order, so none is overwritten before it has moved.
 */
import { assert } from "../assert.js";
import {
  Flag,
  FRAME_HEAD_BYTES,
  FrameKind,
  MESSAGE_HEAD_BYTES,
  MessageType,
  writeU32,
} from "../frame.js";

export const CHUNK_HEAD_BYTES = FRAME_HEAD_BYTES + MESSAGE_HEAD_BYTES + 4;

/** Where the content begins in memory that shall hold `contentBytes` in chunks. */
export function gapBytesOf(contentBytes: number, chunkBytes: number): number {
  return Math.ceil(contentBytes / chunkBytes) * CHUNK_HEAD_BYTES;
}

/** Spreads the content that begins at `gapBytes` over its chunks; answers the frames. */
export function layOut(
  memory: Uint8Array,
  gapBytes: number,
  contentBytes: number,
  chunkBytes: number,
): Uint8Array[] {
  assert(gapBytes >= gapBytesOf(contentBytes, chunkBytes), "every chunk has room for its head");
  const frames: Uint8Array[] = [];
  let to = 0;
  for (let at = 0; at < contentBytes; at += chunkBytes) {
    const bytes = Math.min(chunkBytes, contentBytes - at);
    memory.copyWithin(to + CHUNK_HEAD_BYTES, gapBytes + at, gapBytes + at + bytes);
    writeChunkHead(memory, to, bytes, contentBytes, at === 0 ? Flag.first : 0);
    frames.push(memory.subarray(to, to + CHUNK_HEAD_BYTES + bytes));
    to += CHUNK_HEAD_BYTES + bytes;
  }
  return frames;
}

export function writeChunkHead(
  memory: Uint8Array,
  at: number,
  partBytes: number,
  totalBytes: number,
  flags: number,
): void {
  memory[at] = FrameKind.data;
  memory[at + 1] = MessageType.chunk;
  memory[at + 2] = flags;
  writeU32(memory, at + 3, 4 + partBytes);
  writeU32(memory, at + 7, totalBytes);
}
