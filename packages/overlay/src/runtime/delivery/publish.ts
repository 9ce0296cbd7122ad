/** What a channel does with a message of `Broadcast`, which is encoded and compressed once for all members. */
import { MessageType } from "../../protocol/frame.js";
import type { Link } from "../link.js";
import type { OverlayMetrics } from "../metrics.js";
import { latestOf } from "./latest-source.js";
import { makeRoom } from "./room.js";

/** Writes the copy of a message on one link; false: there is no room for it. */
export function publish(
  link: Link,
  subject: string,
  copy: Uint8Array,
  metrics: OverlayMetrics,
): boolean {
  if (link.settings.monotonic) {
    // Broadcasts are a namespace of their own.
    return latestOf(link, metrics).offerCopy(`broadcast ${subject}`, copy);
  }
  if (!makeRoom(link, () => !link.isOverLimit, metrics)) return false;
  link.postAsIs(MessageType.gossip, 0, 0, 0, 0, undefined, copy);
  return true;
}
