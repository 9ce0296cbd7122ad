/** Room: waiting for it, and what a channel does when there is none. */
import { coreErrors, type NodeId } from "@foundation/core";
import type { Overflow } from "../../channel-options.js";
import { LINK } from "../../limits.js";
import type { Link } from "../link.js";
import type { Waiter } from "../link-waiters.js";
import { aborted, unreachable, waitersFull } from "../messenger-errors.js";
import type { OverlayMetrics } from "../metrics.js";

/** Where a send waits: a link, or what waits before it. */
export interface Line {
  readonly canWait: boolean;
  whenRoom(waiter: Waiter): void;
}

/** Calls `append` once there is room; rejects when that cannot be. */
export function waitForRoom(
  line: Line,
  { to, channel }: { readonly to: NodeId; readonly channel: string },
  sizeBytes: number,
  signal: AbortSignal | undefined,
  append: () => void,
): Promise<void> {
  if (!line.canWait) return Promise.reject(waitersFull(channel));
  return new Promise((resolve, reject) => {
    let done = false;
    const finish = (act: () => void) => {
      if (done) return;
      done = true;
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = () => finish(() => reject(aborted(to)));
    signal?.addEventListener("abort", onAbort, { once: true });
    line.whenRoom({
      sizeBytes,
      ready: () =>
        finish(() => {
          append();
          resolve();
        }),
      fail: () =>
        finish(() => reject(unreachable(to, "its connection went before there was room"))),
    });
  });
}

/** What a full channel answers to a send that shall not wait. */
export function queueFull(channel: string, overflow: Overflow): Error {
  const limit = LINK.highWaterBytes;
  return coreErrors.ERR_QUEUE_FULL(
    `The queue of channel "${channel}" holds ${limit} bytes and its overflow policy is "${overflow}": the message was not queued`,
    { queue: `channel ${channel}`, limit, unit: "bytes" },
  );
}

/**
 * True when there is room, or could be made as the channel's policy says: `drop-oldest` drops unsent
 * plain messages, the oldest first, as long as those are what is oldest. What is dropped, or finds no
 * room, is counted.
 */
export function makeRoom(link: Link, hasRoom: () => boolean, metrics: OverlayMetrics): boolean {
  const { overflow, delivery } = link.settings;
  let dropped = 0;
  while (!hasRoom()) {
    const count =
      overflow === "drop-oldest" && delivery !== "acked" ? link.dropOldest() : undefined;
    if (count === undefined) {
      metrics.overflowed(link.channel, overflow, dropped + 1);
      return false;
    }
    dropped += count;
  }
  if (dropped > 0) metrics.overflowed(link.channel, overflow, dropped);
  return true;
}
