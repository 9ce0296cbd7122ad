/** What a channel does with a message of `Broadcast`, which is encoded and compressed once for all members. */
import type { TraceContext } from "@foundation/core";
import { MessageType } from "../../protocol/frame.js";
import type { Link } from "../link.js";
import type { OverlayMetrics } from "../metrics.js";
import { latestOf } from "./latest-source.js";
import { makeRoom } from "./room.js";

/** A message as it is written on every link. */
export interface Published {
  readonly flags: number;
  readonly hash: number;
  readonly trace: TraceContext | undefined;
  readonly payload: Uint8Array;
}

/** Writes the message on one link; false: there is no room for it. */
export function publish(
  link: Link,
  subject: string,
  { flags, hash, trace, payload }: Published,
  metrics: OverlayMetrics,
): boolean {
  if (link.settings.monotonic) {
    // Broadcasts are a namespace of their own.
    const key = `broadcast ${subject}`;
    return latestOf(link, metrics).offer(key, flags, hash, trace, payload);
  }
  if (!makeRoom(link, () => !link.isOverLimit, metrics)) return false;
  link.postAsIs(MessageType.message, flags, hash, 0, 0, trace, payload);
  return true;
}
