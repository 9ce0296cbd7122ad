/**
 * Which finished frames may be dropped by a channel whose policy is drop-oldest: those of plain
 * messages and of broadcasts sent to each member only. Dropping a request or a reply would break a promise to somebody who waits.
 */
import { FrameKind, FRAME_HEAD_BYTES, MESSAGE_HEAD_BYTES, MessageType, readU32 } from "../frame.js";
import { isCopy } from "../plumtree/copies.js";

/**
 * How many messages would be dropped with a frame; undefined: it may not be.
 *
 * @param frame one of this node's own, so it is well formed
 */
export function droppableMessages(frame: Uint8Array): number | undefined {
  if (frame[0] !== FrameKind.data) return undefined;
  let messages = 0;
  for (let at = FRAME_HEAD_BYTES; at < frame.length; ) {
    const type = frame[at];
    if (type === MessageType.message) messages += 1;
    else if (type === MessageType.gossip && isCopy(frame, at + MESSAGE_HEAD_BYTES)) messages += 1;
    else if (type !== MessageType.skip) return undefined;
    at += MESSAGE_HEAD_BYTES + readU32(frame, at + 2);
  }
  return messages;
}
